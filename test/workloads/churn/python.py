# Lists built and dropped: CPython's own allocator maps and unmaps 1 MB arenas all the time.
for i in range(60):
    x = [[j] * 8 for j in range(100000)]
    del x
