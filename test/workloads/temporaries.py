"""Temporaries of 800 KB, as an expression over arrays makes them: what plain glibc trims and faults in again."""
import numpy

a = numpy.arange(100_000, dtype=numpy.float64)
for _ in range(3000):
    b = a * 2 + a * 3 - a / 2
print(b.sum())
