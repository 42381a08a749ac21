"""Checks specs as `render` does, planning and proofs included, and writes nothing."""

from __future__ import annotations

import argparse

from ttgen.cli import specs
from ttgen.cli.main import OK, USER_ERROR


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    specs.add_specs(parser)


def run(options: argparse.Namespace) -> int:
    """Validates specs."""
    planned, wrong = specs.plan_all(options.specs)
    for loaded, plan in planned:
        print(f"{loaded.source.name}: ok: {plan.kernel}, {', '.join(specs.headline(plan))}")
    return USER_ERROR if wrong else OK
