"""Checks specs as `render` does, planning and proofs included, and writes nothing."""

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
    rendered, wrong = specs.render_all(options.specs, open_results(wanted=not options.no_cache))
    for path, result, _raw in rendered:
        if not options.quiet:
            print(f"{printable(str(path))}: ok: {result.kernel}, {result.headline}")
    return USER_ERROR if wrong else OK
