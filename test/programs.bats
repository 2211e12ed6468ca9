#!/usr/bin/env bats
# Unmodified programs print the same, and leave with the same status, off and on. Each workload (test/workloads/digest)
# uses memory in the ways its runtime knows, forks where it can, and prints digests of what it held.

load helpers

setup_file() { need_shims; }

PYTHON=/usr/bin/python3 # not a version manager's wrapper script

@test "python3" {
  same_output $PYTHON "$WORK/digest/python.py"
}

@test "php" {
  same_output php "$WORK/digest/php.php"
}

@test "ruby" {
  same_output ruby "$WORK/digest/ruby.rb"
}

@test "luajit" {
  same_output luajit "$WORK/digest/luajit.lua"
}

@test "node" {
  same_output node "$WORK/digest/node.js"
}

@test "perl" {
  same_output perl "$WORK/digest/perl.pl"
}

@test "git" {
  same_output sh "$WORK/digest/git.sh"
}

@test "sqlite3" {
  same_output sqlite3 db ".read $WORK/digest/sqlite.sql"
}

@test "gcc and g++" {
  same_output sh "$WORK/digest/gcc.sh" "$WORK/templates.cc"
}

@test "tar and xz" {
  same_output sh "$WORK/digest/archive.sh"
}

@test "redis-server and redis-cli" {
  same_output sh "$WORK/digest/redis.sh"
}

@test "python3 with GUARD=1" {
  HAKMEM_PAGE_ARENA_GUARD=1 same_output $PYTHON "$WORK/digest/python.py"
}

@test "php with GUARD=1" {
  HAKMEM_PAGE_ARENA_GUARD=1 same_output php "$WORK/digest/php.php"
}

@test "ruby with GUARD=1" {
  HAKMEM_PAGE_ARENA_GUARD=1 same_output ruby "$WORK/digest/ruby.rb"
}

@test "python3 with the debug build" {
  same_output_debug $PYTHON "$WORK/digest/python.py"
}

@test "php with the debug build" {
  same_output_debug php "$WORK/digest/php.php"
}

@test "sqlite3 with the debug build" {
  same_output_debug sqlite3 db ".read $WORK/digest/sqlite.sql"
}

# The smallest caches and the smallest region that the knobs allow: spans are evicted all the time, and the region overflows.
@test "python3, php and node with every knob at its minimum" {
  export HAKMEM_PAGE_ARENA_HOT_SIZE=64 HAKMEM_PAGE_ARENA_WARM_64K=16 HAKMEM_PAGE_ARENA_WARM_128K=8
  export HAKMEM_PAGE_ARENA_WARM_2M=4 HAKMEM_PAGE_ARENA_REGION=64M
  same_output sh -c "$PYTHON '$WORK/digest/python.py'; echo \$?; php '$WORK/digest/php.php'; echo \$?; node '$WORK/digest/node.js'"
}
