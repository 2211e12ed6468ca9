"""Uses memory in every way CPython offers and prints digests of what it holds."""
import array
import ctypes
import gc
import hashlib
import json
import lzma
import mmap
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import zlib

PAGE = mmap.PAGESIZE


def digest(name, data):
    print(name, hashlib.sha256(data if isinstance(data, bytes) else repr(data).encode()).hexdigest()[:16])
    sys.stdout.flush()


def lists(rounds=12):
    total = 0
    for i in range(rounds):
        rows = [[j] * 8 for j in range(40000)]
        total += sum(row[i % 8] for row in rows)
    return total


def containers():
    table = {str(k): (k, [k] * (k % 7)) for k in range(60000)}
    for k in range(0, 60000, 3):
        del table[str(k)]
    digest("dict", sorted(table.items()))
    digest("json", json.dumps(json.loads(json.dumps(table)), sort_keys=True))
    digest("pickle", pickle.loads(pickle.dumps(table)))
    ring = []
    for _ in range(2000):
        node = {}
        node["self"] = node
        ring.append(node)
    del ring, node
    digest("cycles", gc.collect() > 0)


def blocks():
    """Blocks of every size from a page to some megabytes, freed in another order than made."""
    held = [bytearray(n * 1777 % (3 << 20) + 4096) for n in range(1, 120)]
    digest("zeroed", [any(b) for b in held])
    for i, b in enumerate(held):
        b[0] = b[-1] = i & 255
    kept = [b for i, b in enumerate(held) if i * 7 % 5]
    del held
    grown = array.array("q")
    for i in range(300000):
        grown.append(i * i)
    digest("blocks", b"".join(b[:16] + b[-16:] for b in kept))
    digest("array", grown.tobytes())
    digest("zlib", zlib.decompress(zlib.compress(grown.tobytes(), 1)))
    digest("lzma", lzma.decompress(lzma.compress(grown.tobytes()[:400000], preset=2)))


def anonymous(nbytes):
    return mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def maps():
    """Fresh maps read as zero, MADV_DONTNEED zeroes, resize keeps the content."""
    state = hashlib.sha256()
    for i in range(300):
        nbytes = PAGE * (1 + i * i % 700)
        with anonymous(nbytes) as m:
            assert not any(m[::512]), "a fresh map is not zero"
            m[:] = bytes([i & 255]) * nbytes
            if i % 3 == 0:
                m.madvise(mmap.MADV_DONTNEED, 0, PAGE)
                assert not any(m[:PAGE]), "MADV_DONTNEED left bytes behind"
            if i % 5 == 0:
                m.resize(nbytes * 2)
                assert not any(m[nbytes:]), "growth is not zero"
            state.update(m[:])
    digest("maps", state.digest())


def protections():
    """A page that was read-only when it was unmapped must come back writable."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    results = []
    for i in range(200):
        nbytes = PAGE * (16 + i % 3 * 16)
        p = libc.mmap(None, nbytes, 3, 0x22, -1, 0)
        zero = not any(ctypes.string_at(p, nbytes))
        ctypes.memset(p, 0xA5, nbytes)
        results += [zero, libc.mprotect(p + PAGE, PAGE, i % 2), ctypes.string_at(p, 4)]
        results += [libc.munmap(p, PAGE), libc.munmap(p + PAGE, nbytes - PAGE)]
    digest("protections", results)


def threads():
    results = [None] * 8

    def work(n):
        held = []
        for i in range(60):
            held.append((n, bytearray(PAGE * (i % 50 + 1)), [i] * 3000))
            if i % 4 == n % 4:
                held.pop(0)
        with anonymous(1 << 20) as m:
            m[:] = bytes([n]) * len(m)
            results[n] = (len(held), sum(len(h[1]) for h in held), zlib.crc32(m[:]))

    for batch in range(4):
        workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
    digest("threads", results)


def in_child(n):
    return n, lists(2), hashlib.sha256(bytearray(n << 16)).hexdigest()


def processes():
    with multiprocessing.get_context("fork").Pool(3) as pool:
        digest("fork pool", pool.map(in_child, range(12)))
    with anonymous(4 << 20) as m:
        m[:] = b"p" * len(m)
        pid = os.fork()
        if pid == 0:
            same = m[:] == b"p" * len(m)
            m[:] = b"c" * len(m)
            m.close()
            os._exit(0 if same and lists(2) else 1)
        _, status = os.waitpid(pid, 0)
        digest("fork", (os.waitstatus_to_exitcode(status), zlib.crc32(m[:])))
    code = "x = [[j] * 8 for j in range(50000)]; print(sum(map(len, x)))"
    digest("spawn", [subprocess.check_output([sys.executable, "-c", code]) for _ in range(3)])


if __name__ == "__main__":
    digest("lists", lists())
    containers()
    blocks()
    maps()
    protections()
    threads()
    processes()
    digest("lists again", lists())
    sys.exit(3)  # a status of its own, so that the comparison of statuses says something
