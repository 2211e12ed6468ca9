"""The programs of the matrix: what runs, what must be there for it, and where the arena keeps out of it by itself."""
import glob
import os
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "test", "matrix")
BUILT = os.path.join(ROOT, "build", "matrix")
BITS32 = os.path.join(BUILT, "digest32")


@dataclass
class Program:
    name: str
    command: list
    needs: list  # commands, or paths
    status: int = 3
    off: str = ""  # why the arena is not on in it
    quick: bool = False  # a part of `make test`
    build: list = None  # makes the command's file
    drops: str = ""  # lines of stderr that match are not compared


def shell(script):
    return ["sh", os.path.join(HERE, script)]


def script(runner, file):
    return [runner, os.path.join(HERE, file)]


def compiled(name, *flags):
    target = os.path.join(BUILT, name)
    return {"command": [target], "build": ["gcc", "-O2", "-D_GNU_SOURCE", *flags, "-o", target, f"{HERE}/digest.c", "-pthread"], "needs": ["gcc"]}


def toolchain(name, needs, *build):
    target = os.path.join(BUILT, name)
    return {"command": [target], "needs": needs, "build": [part.replace("TARGET", target) for part in build]}


STATIC = "static: no dynamic loader"
SANITIZED = "turns itself off: a sanitizer keeps books of every page"

PROGRAMS = [
    Program("C", **compiled("digest"), quick=True),
    Program("python3", script("/usr/bin/python3", "python.py"), ["/usr/bin/python3"], quick=True),
    Program("node", script("node", "node.js"), ["node"]),
    Program("php", script("php", "php.php"), ["php"], quick=True),
    Program("ruby", script("ruby", "ruby.rb"), ["ruby"]),
    Program("luajit", script("luajit", "luajit.lua"), ["luajit"], quick=True),
    Program("perl", script("perl", "perl.pl"), ["perl"], quick=True),
    Program("gcc", shell("gcc.sh"), ["gcc"]),
    Program("git", shell("git.sh"), ["git"]),
    Program("sqlite3", ["sqlite3", ":memory:", f".read {HERE}/sqlite.sql"], ["sqlite3"], status=0, quick=True),
    Program("redis", shell("redis.sh"), ["redis-server", "redis-benchmark"]),
    Program("postgres", shell("postgres.sh"), ["pg_isready", *glob.glob("/usr/lib/postgresql/*/bin/postgres")[-1:]]),
    Program("nginx", shell("nginx.sh"), ["nginx", "wrk", "curl"]),
    Program("java", ["java", "-XX:+UseSerialGC", "-Xmx64m", "-cp", f"{BUILT}/java", "Main"], ["javac"],
            build=["javac", "-d", f"{BUILT}/java", f"{HERE}/Main.java"]),
    Program("go", **toolchain("go-cgo", ["go", "gcc"], "env", f"GOCACHE={BUILT}/gocache", "CGO_ENABLED=1", "go", "build",
                              "-ldflags=-linkmode=external", "-o", "TARGET", f"{HERE}/main.go", f"{HERE}/leave_cgo.go")),
    Program("go static", **toolchain("go", ["go"], "env", f"GOCACHE={BUILT}/gocache", "CGO_ENABLED=0", "go", "build", "-o",
                                      "TARGET", f"{HERE}/main.go", f"{HERE}/leave.go"), off=STATIC),
    Program("rust", **toolchain("rust", ["rustc"], "rustc", "-O", "-o", "TARGET", f"{HERE}/main.rs")),
    Program("static", **compiled("static", "-static"), off=STATIC, quick=True),
    Program("32-bit", **compiled("digest32", "-m32"), off="ld.so says so in one line: wrong ELF class", drops="wrong ELF class"),
    Program("ASan", ["env", "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0", f"{BUILT}/asan"], ["gcc"], off=SANITIZED,
            build=["gcc", "-O2", "-D_GNU_SOURCE", "-fsanitize=address", "-o", f"{BUILT}/asan", f"{HERE}/digest.c", "-pthread"]),
    Program("TSan", ["setarch", "-R", f"{BUILT}/tsan"], ["gcc", "setarch"], off=SANITIZED,
            build=["gcc", "-O2", "-D_GNU_SOURCE", "-fsanitize=thread", "-o", f"{BUILT}/tsan", f"{HERE}/digest.c", "-pthread"]),
    Program("set-id", [f"{BUILT}/setuid"], ["gcc"], off="set-id: ld.so drops the preload, and from ld.so.preload it turns itself off",
            build=["sh", "-c", f"cp {BUILT}/digest {BUILT}/setuid && chown nobody {BUILT}/setuid && chmod 4755 {BUILT}/setuid"]),
    Program("dlmopen", **toolchain("spaces", ["gcc"], "gcc", "-O2", "-D_GNU_SOURCE", "-o", "TARGET", f"{HERE}/spaces.c", "-ldl"), quick=True),
    Program("forks", script("bash", "forks.sh"), ["bash"]),
]
