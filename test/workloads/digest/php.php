<?php
// Arrays, strings, regular expressions, serialisation, huge blocks that grow (mremap in Zend) and a forked child.

function digest(string $name, string $data): void
{
    echo $name, ' ', substr(hash('sha256', $data), 0, 16), "\n";
}

function arrays(int $rounds): int
{
    $sum = 0;
    for ($i = 0; $i < $rounds; $i++) {
        $rows = [];
        for ($j = 0; $j < 20000; $j++) {
            $rows[] = [$j, $j * $i, "k$j"];
        }
        foreach ($rows as $row) {
            $sum += $row[0] ^ $row[1];
        }
    }
    return $sum;
}

digest('arrays', (string) arrays(15));

$table = [];
for ($i = 0; $i < 80000; $i++) {
    $table["key$i"] = str_repeat(chr(97 + $i % 26), $i % 50);
}
for ($i = 0; $i < 80000; $i += 3) {
    unset($table["key$i"]);
}
digest('serialize', serialize(unserialize(serialize($table))));
digest('json', json_encode(json_decode(json_encode($table), true)));
uasort($table, fn ($a, $b) => strlen($a) <=> strlen($b) ?: strcmp($a, $b));
digest('sort', implode(',', array_slice(array_values($table), 0, 30000)));

$text = '';
for ($i = 0; $i < 300000; $i++) {
    $text .= "word$i ";
}
digest('concat', $text);
digest('preg', preg_replace_callback('/word(\d+)5 /', fn ($m) => "<$m[1]>", $text));
digest('split', implode('|', array_reverse(preg_split('/ /', $text))));

// Blocks of 2 MB and more take and give back whole chunks, aligned by hand.
$held = [];
for ($i = 0; $i < 60; $i++) {
    $held[$i % 7] = str_repeat(chr(65 + $i % 26), 100000 * (1 + $i * 11 % 37));
    $held[$i % 7] .= str_repeat('z', 1 << ($i % 22));
    digest("huge $i", $held[$i % 7]);
}
$held = null;

$list = new SplFixedArray(200000);
for ($i = 0; $i < 200000; $i++) {
    $list[$i] = $i * 2.5;
}
digest('fixed', implode(',', $list->toArray()));
digest('zlib', gzuncompress(gzcompress($text, 1)));

for ($i = 0; $i < 30000; $i++) {
    $a = new stdClass();
    $a->self = $a;
    $a->pad = [$i, $i];
}
unset($a);
gc_collect_cycles();
gc_mem_caches();
digest('after gc', (string) arrays(3));

$before = str_repeat('parent', 500000);
$pid = pcntl_fork();
if ($pid === 0) {
    $before .= 'child';
    exit(arrays(2) > 0 && strlen($before) === 3000005 ? 7 : 1);
}
pcntl_waitpid($pid, $status);
digest('fork', pcntl_wexitstatus($status) . $before);
digest('spawn', shell_exec(escapeshellarg(PHP_BINARY) . ' -n -r \'echo array_sum(range(1, 200000));\''));
exit(3);
