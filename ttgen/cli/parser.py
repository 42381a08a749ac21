"""The parser of the command line: exit statuses and words of its own."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from ttgen.cli.main import USAGE


class Parser(argparse.ArgumentParser):
    """A parser that leaves with the status of wrong usage, and suggests what may be meant."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong."""
        from ttgen.cli.terminal import marker

        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {marker(sys.stderr)('error:')} {message}\n")

    def refuse_options(self, words: list[str]) -> NoReturn:
        """Says which words it doesn't know, and which option they may be meant for."""
        from ttgen.errors import suggest

        word = next((word for word in words if word.startswith("-")), words[0])
        known = suggest(word.split("=")[0], self._option_string_actions)
        self.error(f"unrecognized arguments: {' '.join(words)}{known}")
