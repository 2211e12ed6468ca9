"""What all subcommands of pagearena share: exit statuses, how a command line is read, how failure is told.

    0        done, or what CMD left with
    64       the command line makes no sense (EX_USAGE)
    124      CMD printed something else, or left with another status, with PageArena on
    125      pagearena itself failed, or CMD cannot be preloaded
    126, 127 CMD cannot be executed; CMD was not found
    128+N    CMD was killed by signal N
"""
import argparse
import sys

VERSION = "0.1.0"

USAGE, DIFFERS, FAILED, NOT_EXECUTABLE, NOT_FOUND = 64, 124, 125, 126, 127


class Failure(Exception):
    """Ends the command with one line on stderr and this status."""

    def __init__(self, message, status=FAILED):
        super().__init__(message)
        self.status = status


class Parser(argparse.ArgumentParser):
    """One that takes no abbreviations, keeps the description's lines, and leaves with EX_USAGE."""

    def __init__(self, **keywords):
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **keywords)

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def add_cmd(parser):
    """Adds CMD and its arguments, the rest of the command line, with or without `--` in front."""
    parser.usage = "%(prog)s [options] [--] CMD [ARG ...]"
    parser.add_argument("cmd", nargs=argparse.REMAINDER, metavar="CMD", help="the program and its arguments")


def cmd_of(args):
    """The words of CMD; [] where there are none."""
    return args.cmd[1:] if args.cmd[:1] == ["--"] else args.cmd


def need_cmd(args):
    cmd = cmd_of(args)
    if not cmd:
        raise Failure("no CMD given: what shall run?", USAGE)
    return cmd


def at_least(lowest):
    """A type for argparse: a whole number from `lowest` up."""

    def number(text):
        value = int(text)
        if value < lowest:
            raise argparse.ArgumentTypeError(f"{text} is less than {lowest}")
        return value

    return number
