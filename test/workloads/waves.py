"""Waves of blocks of 700 KB, 250 MB high: more than the caches keep unless they are told to. On pages of 4 KB, whatever the
machine has set: faults are counted."""
import ctypes

PR_SET_THP_DISABLE = 41
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
for _ in range(3):
    wave = [bytearray(700_000) for _ in range(360)]
    for block in wave:
        block[::4096] = b"1" * len(block[::4096])
    del wave, block
