# Arrays of 800 KB come and go with each operation: blocks of malloc, which glibc maps and unmaps.
import sys

import numpy

a = numpy.ones(100000)
for i in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
    b = a * 2 + a * 3 - a / 2
print(b.sum())
