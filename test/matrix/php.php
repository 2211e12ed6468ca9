<?php
$hash = hash_init('sha256');
for ($round = 0; $round < 2; $round++) {
    $items = [];
    for ($i = 0; $i < 20000; $i++) $items[] = ['n' => $i * $round, 's' => str_repeat(chr(65 + $i % 26), 20)];
    usort($items, fn($a, $b) => strcmp($a['s'], $b['s']) ?: $a['n'] <=> $b['n']);
    hash_update($hash, json_encode($items));
    hash_update($hash, str_repeat("x", 3000000));
}
echo hash_final($hash), "\n";
exit(3);
