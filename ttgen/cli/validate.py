"""Checks specs as `render` does, planning and proofs included, and writes nothing.

Where `schedule: auto` would be more than 1.3 times faster by the cost model, the line says so: of specs for which that
is known, and of new ones as long as they are no more than sixteen.
"""

from __future__ import annotations

import argparse
from typing import Final

from ttgen.cli import specs
from ttgen.cli.main import OK, USER_ERROR
from ttgen.errors import printable
from ttgen.results import open_results

EXAMPLES: Final = """\
  ttgen validate specs/gemm.yaml
  ttgen validate -q "specs/gemm*.yaml"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Validates specs."""
    results = open_results(wanted=not options.no_cache)
    rendered, wrong = specs.render_all(options.specs, results)
    if not options.quiet:
        for path, _raw, result in specs.advise_all(rendered, results):
            print(f"{printable(str(path))}: ok: {result.kernel}, {result.line}")
    return USER_ERROR if wrong else OK
