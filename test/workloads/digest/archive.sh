#!/bin/sh
# tar and multi-threaded xz there and back: the compressed bytes and the restored tree must be the same.
set -eu
mkdir tree
awk 'BEGIN { for (i = 0; i < 60; i++) { f = "tree/" i; for (j = 0; j < 4000; j++) print i, j * 7919 % 4001, "some text", i * j > f; close(f) } }'
dd if=/dev/zero of=tree/zeros bs=1M count=8 status=none
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=a+rX -cf all.tar tree
sha256sum all.tar
xz -k -1 -T2 --block-size=2MiB all.tar
sha256sum all.tar.xz
xz -dc -T2 all.tar.xz | cmp - all.tar
xz -9 -T1 -c tree/1 tree/2 tree/3 | tee small.xz | xz -dc | sha256sum
sha256sum small.xz
mkdir back
tar -C back -xJf all.tar.xz
diff -r tree back/tree
tar -cJf again.tar.xz --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=a+rX back
sha256sum again.tar.xz
exit 3
