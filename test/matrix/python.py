import hashlib
import os
import threading

digest = hashlib.sha256()
for n in range(12):
    lists = [[i * n] * 8 for i in range(20000)]
    text = "".join(str(item[3]) for item in lists)
    digest.update(text.encode())
    big = bytearray(len(text) * 3)
    assert not any(big)
results = [None] * 4


def work(slot):
    results[slot] = hashlib.sha256(bytes(slot + 1) * 300000).hexdigest()


threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if os.fork() == 0:
    lists = None
    data = [bytes([i % 256]) * 40000 for i in range(100)]
    os._exit(sum(map(len, data)) // 1000000)
print(os.waitstatus_to_exitcode(os.wait()[1]), digest.hexdigest(), *results)
raise SystemExit(3)
