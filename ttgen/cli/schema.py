"""Prints a JSON Schema: of specs, or of tt.plan.json.

An editor that knows YAML checks a spec while it is typed when the spec begins with the line

  # yaml-language-server: $schema=spec.schema.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from ttgen.cli.main import OK, print_document
from ttgen.errors import OutputError, printable
from ttgen.output import read
from ttgen.schema.validation import schema_text

EXAMPLES: Final = """\
  ttgen schema -o spec.schema.json
  ttgen schema plan
"""


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
        print_document(text)
    else:
        _write(options.output, text)
        print(f"{printable(str(options.output))}: written")
    if options.document == "spec":
        where = options.output or "FILE"
        print(f"first line of a spec: # yaml-language-server: $schema={where}", file=sys.stderr)
    return OK


def _write(path: Path, text: str) -> None:
    """Writes a schema, over an earlier one but over nothing else."""
    before = read(path)
    titles = [line for line in text.splitlines() if line.startswith('  "title": ')]
    if before is not None and not set(titles) <= set(before.splitlines()):
        raise OutputError(f"{path}: exists, and is no such schema; move it away, or choose another name")
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None
