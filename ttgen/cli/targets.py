"""Lists the cards that a spec's `target` can name, and what they offer."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final

from ttgen.cli import terminal
from ttgen.cli.main import OK
from ttgen.target import TARGETS, load

EXAMPLES: Final = """\
  ttgen targets
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Prints a line a target."""
    del options
    for line in terminal.fitted(_table()):
        print(line)
    return OK


def _table() -> Iterator[str]:
    yield f"{'target':12}{'rows x cols':13}{'L1 usable':>12}{'DRAM':>11}{'buffers':>9}  description"
    for name in TARGETS:
        target = load(name)
        grid = f"{target.grid.rows} x {target.grid.cols}"
        yield (
            f"{name:12}{grid:13}{target.l1.usable:>10} B{target.dram.gigabytes_per_second:>6} GB/s"
            f"{target.circular_buffers:>9}  {target.description}"
        )
