"""Where libpagearena_shim.so is, and the environment that puts it under a program.

ld.so splits LD_PRELOAD at spaces and colons. A library whose path has a space is named without its folder, and the folder
is put into LD_LIBRARY_PATH, which is split at colons and semicolons only.
"""
import os
import re

from . import USAGE, Failure

NAME = "libpagearena_shim.so"
PREFIX = "HAKMEM_PAGE_ARENA_"
MULTIARCH = "x86_64-linux-gnu"
PACKAGE = os.path.dirname(os.path.realpath(__file__))


def places():
    """The folders looked in: of the tree, or of the installation that this package belongs to."""
    prefix = os.path.dirname(os.path.dirname(PACKAGE))
    if os.path.exists(os.path.join(PACKAGE, "measure.c")):
        return [os.path.join(os.path.dirname(prefix), "build")]
    return [PACKAGE, os.path.join(prefix, "lib", MULTIARCH, "pagearena"), os.path.join(prefix, "lib64", "pagearena"),
            os.path.join(prefix, "lib", MULTIARCH)]


def locate(name):
    """The path of something that was built or installed beside the library."""
    for place in places():
        path = os.path.join(place, name)
        if os.path.exists(path):
            return path
    raise Failure(f"{name} is not in {', '.join(places())}: run make first")


def find(given=None):
    """The path of the library, or of the one that was given with --library."""
    path = os.path.abspath(given) if given else locate(NAME)
    if not os.path.isfile(path):
        raise Failure(f"{path} is not there")
    if re.search("[:;]", path):
        raise Failure(f"{path}: a path with a colon or semicolon cannot be preloaded")
    return path


def knobs(path):
    """The names of the knobs that the library itself knows, without the prefix."""
    try:
        with open(path, "rb") as file:
            found = re.findall(PREFIX.encode() + rb"([A-Z0-9_]+)\0", file.read())
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    return sorted({name.decode() for name in found})


def knob(path, setting):
    """(name, value) from NAME=VALUE; NAME is one the library knows, with or without the prefix, in any case."""
    name, equals, value = setting.partition("=")
    name = name.upper().removeprefix(PREFIX)
    if not equals:
        raise Failure(f"--set {setting}: not NAME=VALUE", USAGE)
    if name not in knobs(path):
        raise Failure(f"--set {setting}: no such knob; there are {', '.join(knobs(path))}", USAGE)
    return name, value


def without(base=None):
    """The environment with neither the library nor its knobs."""
    env = {k: v for k, v in (os.environ if base is None else base).items() if not k.startswith(PREFIX)}
    others = [word for word in re.split("[ :]+", env.pop("LD_PRELOAD", "")) if word]
    others = [word for word in others if os.path.basename(word) != NAME]
    if others:
        env["LD_PRELOAD"] = ":".join(others)
    return env


def preload(env, path):
    """The same environment with `path` in front of what is preloaded."""
    folder, name = os.path.split(path)
    env = dict(env)
    if " " in path:
        env["LD_LIBRARY_PATH"] = ":".join(filter(None, (env.get("LD_LIBRARY_PATH"), folder)))
    else:
        name = path
    env["LD_PRELOAD"] = ":".join(filter(None, (name, env.get("LD_PRELOAD"))))
    return env


def environment(path, settings=None, base=None):
    """The environment with the library on, and the knobs of `settings` ({name without prefix: text}) set. Knobs that the
    caller's environment sets stay, unless `settings` says otherwise."""
    base = os.environ if base is None else base
    env = preload(without(base), path)
    env.update({k: v for k, v in base.items() if k.startswith(PREFIX)})
    env[PREFIX + "ENABLE"] = "1"
    env.update({PREFIX + name: value for name, value in (settings or {}).items()})
    return env
