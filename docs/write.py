"""Writes all that is made from code: schemas, the reference, what pages show of runs: `python -m docs.write`."""

from __future__ import annotations

import runpy
import sys
from typing import Final

# Each with its arguments; that of verify compiles, and needs a C++ compiler.
_COMMANDS: Final = (
    ("ttgen.schema.write",),
    ("docs.generate",),
    ("docs.api",),
    ("docs.errors",),
    ("docs.run", "docs/pipeline.md", "docs/rows.md", "docs/attention.md", "docs/meshes.md"),
    ("tests.verify.write_docs",),
)

if __name__ == "__main__":
    for module, *arguments in _COMMANDS:
        sys.argv[1:] = arguments
        runpy.run_module(module, run_name="__main__")
