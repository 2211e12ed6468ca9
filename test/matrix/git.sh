set -eu
export HOME="$PWD" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_COMMITTER_DATE='1700000000 +0000'
git init -q -b main repo
cd repo
git config gc.auto 0
git config pack.threads 2
for round in 1 2 3; do
  seq $((round * 20000)) >big.txt
  for i in 1 2 3 4 5 6 7 8 9; do seq "$i" $((i * round * 300)) >"f$i.txt"; done
  git add -A
  git commit -q -m "round $round"
done
git repack -a -d -f -q
git fsck --full --strict --no-progress
git log -p | sha256sum
git rev-parse HEAD 'HEAD^{tree}'
exit 3
