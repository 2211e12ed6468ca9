"""Waves of blocks of 700 KB, 250 MB high: more than the caches keep unless they are told to."""
for _ in range(3):
    wave = [bytearray(700_000) for _ in range(360)]
    for block in wave:
        block[::4096] = b"1" * len(block[::4096])
    del wave, block
