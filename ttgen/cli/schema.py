"""Prints a JSON Schema: of specs, or of tt.plan.json.

An editor that knows YAML checks a spec while it is typed when the spec begins with the line

  # yaml-language-server: $schema=spec.schema.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ttgen.cli.main import OK
from ttgen.errors import OutputError
from ttgen.schema.validation import schema_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "document", nargs="?", choices=("spec", "plan"), default="spec", help="which document (default: spec)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to a file instead")


def run(options: argparse.Namespace) -> int:
    """Prints or writes a schema."""
    text = schema_text(options.document)
    if options.output is None:
        sys.stdout.write(text)
    else:
        try:
            options.output.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutputError(f"{options.output}: {error.strerror or error}") from None
        print(f"{options.output}: written")
    if options.document == "spec":
        where = options.output or "FILE"
        print(f"first line of a spec: # yaml-language-server: $schema={where}", file=sys.stderr)
    return OK
