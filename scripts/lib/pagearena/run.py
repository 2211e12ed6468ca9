"""Run CMD with PageArena.

Sets the environment and becomes CMD: the same process, status and streams.
What cannot be preloaded runs as it is, with one line on stderr that says why.
"""
import errno
import os
import shlex
import signal
import sys

from . import add_cmd, measure, need_cmd, program, settings


def add_parser(subparsers):
    parser = subparsers.add_parser("run", help="run a program with PageArena", description=__doc__)
    settings.add_options(parser)
    parser.add_argument("--stats", action="store_true", help="statistics on stderr when a process ends")
    parser.add_argument("--stats-file", metavar="PATH", help="statistics as JSON into PATH; %%p is the pid")
    parser.add_argument("--dry-run", action="store_true", help="print what would be run, for a shell; run nothing")
    add_cmd(parser)
    parser.set_defaults(func=main)


def become(cmd, env):
    """exec, as execvp does it: a file that the kernel does not know goes to the shell. Python ignores some signals;
    CMD shall not."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(cmd[0], cmd, env)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise measure.refusal(cmd[0], error.errno) from None
    os.execve(program.SHELL, [program.SHELL, program.which(cmd[0]), *cmd[1:]], env)


def main(args):
    cmd = need_cmd(args)
    stats = {"STATS": os.path.abspath(args.stats_file) if args.stats_file else "1"}
    env = settings.environment(args, stats if args.stats_file or args.stats else None)
    found = program.inspect(cmd[0])
    if found.reason:
        print(f"pagearena run: without PageArena: {found.reason}", file=sys.stderr)
    if args.dry_run:
        for name, value in settings.changed(env).items():
            print(f"{name}={shlex.quote(value)} \\")
        print(shlex.join(cmd))
        return 0
    return become(cmd, env)
