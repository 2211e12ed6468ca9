#!/bin/sh
# A repository's life: 1 000 files, commits, branches, a merge, repack with threads, fsck, clone, gc.
set -eu
export HOME="$PWD" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_COMMITTER_DATE='1700000000 +0000'

git init -q -b main origin
cd origin
git config gc.auto 0
git config pack.threads 2
awk 'BEGIN { for (i = 0; i < 1000; i++) { f = "f" i % 40 "/"; if (i < 40) system("mkdir " f)
       f = f i ".txt"; for (j = 0; j < 60; j++) print i * 31 % 97, j, "line", i + j > f; close(f) } }'
git add -A
git commit -q -m first
for n in 1 2 3 4 5 6; do
  for f in f"$n"/*.txt; do echo "round $n" >>"$f"; done
  seq $((n * 30000)) >big.txt
  git add -A
  git commit -q -m "round $n"
done
git checkout -q -b side HEAD~3
seq 7 >side.txt
git add side.txt
git commit -q -m side
git checkout -q main
git merge -q -m merged side
git repack -a -d -f -q --window=5
git count-objects -v | grep -E '^(count|in-pack|packs|garbage)'
git fsck --full --strict --no-progress
git log --stat --format='%H %s' | sha256sum
git log -p HEAD~4 | sha256sum
git blame f3/3.txt | sha256sum
git diff --stat HEAD~5 | tail -1
git grep -c 'line 19' | sha256sum
git archive HEAD | sha256sum
cd ..
git clone -q --no-local origin copy
git -C copy rev-parse HEAD 'HEAD^{tree}'
git -C copy gc -q --prune=now
git -C copy fsck --full --no-progress
git -C copy status --short
exit 3
