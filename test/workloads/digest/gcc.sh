#!/bin/sh
# Compiles and runs templates.cc and some C; the assembly, the object and the program's output must be the same.
set -eu
src=$1
g++ -std=c++17 -O2 -S -o templates.s "$src"
g++ -std=c++17 -O2 -c -o templates.o "$src"
g++ -o templates templates.o
sha256sum templates.s templates.o
./templates
awk 'BEGIN { for (i = 0; i < 300; i++) printf "int f%d(int x) { int s = %d; for (int i = 0; i < x; i++) s = s * 31 + i %% %d; return s; }\n", i, i, i + 2 }' >many.c
gcc -O2 -g0 -c many.c
sha256sum many.o
ar rcs libmany.a many.o
objdump -d libmany.a | sha256sum
printf 'int f(void) { return undeclared; }\n' >bad.c
gcc -c bad.c # fails, with diagnostics
