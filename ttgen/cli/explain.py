"""Explains a code of a mistake, or a number or decision of a plan: how it comes about, and where that is said.

With a spec and no name, it lists what can be explained of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from ttgen.cli.main import OK, print_document
from ttgen.codes import CODES
from ttgen.errors import UserError, suggest

EXAMPLES: Final = """\
  ttgen explain TG012
  ttgen explain specs/gemm.yaml dram_read_bytes
  ttgen explain specs/linear_relu.yaml cores
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("what", metavar="CODE|SPEC", help="a code such as TG012, or a spec file")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a decision or a number of the spec's plan")


def run(options: argparse.Namespace) -> int:
    """Prints an explanation."""
    path = Path(options.what)
    if options.name is None and not path.exists() and path.suffix not in (".yaml", ".yml"):
        print_document(_code(options.what))
        return OK
    from ttgen.loading import load
    from ttgen.planner.resolve import planned
    from ttgen.review.explain import explain, names

    found = planned(load(path))
    if options.name is None:
        print_document("\n".join(names(found)) + "\n")
        return OK
    lines = list(explain(found, options.name))
    if not lines:
        known = suggest(options.name, names(found)) or f"; `ttgen explain {path}` lists all that there is"
        raise UserError(f"nothing of {path} is called '{options.name}'{known}")
    print_document("\n".join(lines) + "\n")
    return OK


def _code(word: str) -> str:
    found = next((item for item in CODES if item.code == word.upper()), None)
    if found is None:
        known = suggest(word.upper(), [item.code for item in CODES])
        raise UserError(f"'{word}' is no code, and no spec{known}")
    return f"{found.code}: {found.title}\n\n{found.fix}\n\ndocs/errors.md has examples of all codes.\n"
