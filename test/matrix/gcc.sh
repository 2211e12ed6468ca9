# Compiles, links and runs; what came out must be the same to the byte.
set -eu
awk 'BEGIN { for (i = 0; i < 150; i++) printf "int f%d(int x) { int s = %d; for (int i = 0; i < x; i++) s = s * 31 + i %% %d; return s; }\n", i, i, i + 2
  print "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", f3(9) + f77(20)); return 3; }" }' >many.c
gcc -O2 -g0 -o many many.c
sha256sum many
exec ./many
