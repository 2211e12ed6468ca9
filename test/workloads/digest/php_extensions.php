<?php
// What Debian's PHP loads with RTLD_DEEPBIND: mbstring, xml, gd, sqlite3 and opcache, each with blocks small and large.

function digest(string $name, string $data): void
{
    echo $name, ' ', strlen($data), ' ', substr(hash('sha256', $data), 0, 16), "\n";
}

foreach (['mbstring', 'xml', 'dom', 'simplexml', 'xmlreader', 'xmlwriter', 'gd', 'sqlite3', 'pdo_sqlite', 'Zend OPcache'] as $name) {
    echo $name, ' ', extension_loaded($name) ? 'loaded' : 'missing', "\n";
}
echo 'opcache ', opcache_get_status(false)['opcache_enabled'] ? 'on' : 'off', "\n";

$text = str_repeat("Zürich, Ærøskøbing, \u{6771}\u{4eac}, \u{1f418} ", 20000);
foreach (['UTF-16', 'UTF-32', 'HTML-ENTITIES', 'BASE64'] as $encoding) {
    digest("mbstring $encoding", @mb_convert_encoding($text, $encoding, 'UTF-8'));
}
digest('mbstring upper', mb_strtoupper($text));
digest('mbstring regex', implode('|', array_slice(mb_split(', ', $text), 0, 50000)));

$writer = new XMLWriter();
$writer->openMemory();
$writer->startElement('rows');
for ($i = 0; $i < 20000; $i++) {
    $writer->startElement('row');
    $writer->writeAttribute('id', (string) $i);
    $writer->text(str_repeat(chr(97 + $i % 26), $i % 90));
    $writer->endElement();
}
$writer->writeElement('large', str_repeat('large ', 500000));
$writer->endElement();
$xml = $writer->outputMemory();
digest('xmlwriter', $xml);
$document = new DOMDocument();
$document->loadXML($xml, LIBXML_PARSEHUGE);
$path = new DOMXPath($document);
digest('xpath', implode(',', array_map(fn ($n) => $n->value, iterator_to_array($path->query('//row[@id mod 7 = 3]/@id')))));
digest('dom', $document->saveXML());
$count = 0;
foreach (simplexml_load_string($xml, SimpleXMLElement::class, LIBXML_PARSEHUGE)->row as $row) {
    $count += strlen((string) $row);
}
echo "simplexml $count\n";
$parser = xml_parser_create();
xml_set_element_handler($parser, function ($p, $name) use (&$count) { $count += strlen($name); }, fn () => 0);
xml_parse($parser, $xml, true);
echo "sax $count\n";
unset($document, $path, $parser, $writer, $xml);

$image = imagecreatetruecolor(1200, 900);
for ($i = 0; $i < 300; $i++) {
    imagefilledellipse($image, $i * 37 % 1200, $i * 91 % 900, 20 + $i % 80, 20 + $i % 50, $i * 7919 % 0xffffff);
}
$image = imagerotate(imagescale($image, 1600, 1200), 30, 0x123456);
imagefilter($image, IMG_FILTER_GAUSSIAN_BLUR);
foreach (['imagepng', 'imagejpeg', 'imagegif', 'imagewebp', 'imagebmp'] as $format) {
    ob_start();
    $format($image);
    $data = ob_get_clean();
    digest($format, $data);
    $again = imagecreatefromstring($data);
    echo imagesx($again), 'x', imagesy($again), "\n";
}
unset($image, $again);

foreach ([new SQLite3(':memory:'), new PDO('sqlite::memory:')] as $base) {
    $base->exec('PRAGMA cache_size = 4000; CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB)');
    $base->exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO t SELECT i, 'name' || (i * 7919 % 10007), zeroblob(i % 500) FROM n");
    $base->exec('INSERT INTO t VALUES (100000, \'large\', zeroblob(4000000)); CREATE INDEX x ON t (name)');
    $rows = $base->query('SELECT name, count(*), sum(length(data)) FROM t GROUP BY name ORDER BY name');
    $all = '';
    while ($row = $rows instanceof SQLite3Result ? $rows->fetchArray(SQLITE3_NUM) : $rows->fetch(PDO::FETCH_NUM)) {
        $all .= implode(' ', $row) . "\n";
    }
    digest($base::class, $all);
}
echo "end\n";
