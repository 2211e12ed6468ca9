<?php
// Arrays built and dropped, small ones and ones of several megabytes: Zend maps 2 MB chunks and huge blocks.
$sum = 0;
for ($i = 0; $i < 25; $i++) {
    $rows = [];
    for ($j = 0; $j < 60000; $j++) {
        $rows[] = [$j, $i, $j ^ $i];
    }
    $sum += count($rows);
    $rows = null;
    gc_mem_caches();
}
echo $sum, "\n";
