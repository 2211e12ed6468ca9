create table t(a integer primary key, b text, c blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into t select i, hex(i * 7919), zeroblob(i % 300) from n;
create index by_b on t(b);
select count(*), max(b), sum(length(c)) from (select * from t order by b desc);
update t set c = zeroblob(20000) where a % 200 = 0;
delete from t where a % 3 = 0;
vacuum;
select count(*), sum(length(c)), group_concat(a) from (select * from t where a % 500 = 0);
