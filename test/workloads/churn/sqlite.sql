-- Grouping, sorting and indexing 200 000 rows in memory: small blocks from malloc, little to gain.
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
  SELECT count(*) FROM (SELECT i * 7919 % 9973 AS g, group_concat(i) FROM n GROUP BY g);
CREATE TABLE t(a, b);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
  INSERT INTO t SELECT i * 104729 % 1000003, hex(zeroblob(i % 100)) FROM n;
CREATE INDEX t_a ON t(a);
SELECT sum(length(b)) FROM (SELECT b FROM t ORDER BY b, a);
