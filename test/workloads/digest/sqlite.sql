-- 100 000 rows, indexes, joins, grouping, a rollback, vacuum; the file both read and mapped.
.bail on
PRAGMA mmap_size = 268435456;
PRAGMA cache_size = -16000;
CREATE TABLE item(id INTEGER PRIMARY KEY, grp INTEGER, name TEXT, body BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
  INSERT INTO item SELECT i, i * 7919 % 997, printf('name-%08d', i * 104729 % 1000003), zeroblob(i % 200) FROM n;
CREATE INDEX item_grp ON item(grp, name);
CREATE INDEX item_name ON item(name);
SELECT 'groups', count(*), sum(c), max(m) FROM (SELECT grp, count(*) AS c, max(name) AS m FROM item GROUP BY grp);
SELECT 'ordered', * FROM (SELECT grp, sum(length(body)) FROM item GROUP BY grp ORDER BY 2 DESC, 1 LIMIT 5);
SELECT 'join', count(*), sum(a.id % 13) FROM item a JOIN item b ON b.name = a.name AND b.id = a.id;
BEGIN;
DELETE FROM item WHERE id % 3 = 0;
UPDATE item SET body = randomblob(5000) WHERE id % 50 = 1;
ROLLBACK;
SELECT 'after rollback', count(*), sum(length(body)) FROM item;
DELETE FROM item WHERE id % 3 = 0;
UPDATE item SET body = zeroblob(3000) WHERE id % 50 = 1;
VACUUM;
PRAGMA integrity_check;
SELECT 'after vacuum', count(*), sum(length(body)), length(group_concat(name)) FROM item;
CREATE TEMP TABLE big AS SELECT hex(zeroblob(1000000 + id)) AS x FROM item LIMIT 10;
SELECT 'strings', sum(length(replace(x, '00', 'abc'))) FROM big;
SELECT 'window', sum(r) FROM (SELECT row_number() OVER (PARTITION BY grp ORDER BY name) AS r FROM item);
SELECT 'json', length(json_group_array(json_object('id', id, 'name', name))) FROM item;
.exit 3
