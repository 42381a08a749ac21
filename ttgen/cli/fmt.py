"""Writes specs in their canonical form: keys in the reference's order, one space where one will do.

Comments stay above what they are written above. Values keep their spelling, and what a spec says is the same.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from ttgen.canonical import canonical
from ttgen.cli import specs
from ttgen.cli.main import DIFFERS, OK, USER_ERROR
from ttgen.cli.terminal import complain
from ttgen.errors import UserError, counted, printable
from ttgen.output import Change, differences, rewrite
from ttgen.source import parse
from ttgen.spec_file import read_bytes

EXAMPLES: Final = """\
  ttgen fmt specs
  ttgen fmt --check specs             # in CI: shows the diff, exits 2 when specs differ
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec file, a folder of them, or a glob")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; show the diff, and exit 2 when specs differ"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what is wrong")


def run(options: argparse.Namespace) -> int:
    """Formats specs; all that can be read are, whatever is wrong with others."""
    changed = wrong = 0
    paths = specs.find(options.specs)
    for path in paths:
        try:
            raw = read_bytes(path)
            before = parse(raw, name=str(path)).text
            after = canonical(before, str(path))
        except UserError as error:
            complain(error)
            wrong += 1
            continue
        if after == before:
            continue
        changed += 1
        if options.check:
            for line in differences([Change(path=path.as_posix(), before=before, after=after)]):
                print(line)
            continue
        rewrite(path, raw, after.encode())
        if not options.quiet:
            print(f"{printable(str(path))}: formatted")
    if options.check and not options.quiet:
        verb = "differs" if changed == 1 else "differ"
        print(f"{changed} of {counted(len(paths), 'spec')} {verb}", file=sys.stderr)
    if wrong:
        return USER_ERROR
    return DIFFERS if options.check and changed else OK
