"""Writes what docs/verify.md takes from code: `python -m tests.verify.write_docs`."""

from __future__ import annotations

from pathlib import Path

import ttgen
from tests.sizes import smaller
from tests.verify.conftest import CACHE
from tests.verify.mutants import MUTANTS, table
from ttgen.cli.verify import describe
from ttgen.verify.toolchain import Builder, find_compiler
from ttgen.verify.verify import verify

DOCS = Path(__file__).resolve().parents[2] / "docs/verify.md"
_HANG = "compute: a pop is forgotten"


def hang(builder: Builder) -> str:
    """The report of a mutant that hangs."""
    mutant = next(mutant for mutant in MUTANTS if mutant.what == _HANG)
    loaded = smaller(mutant.spec)
    verdict = verify(loaded, ttgen.plan(loaded), builder, files=mutant.files(), jobs=2)
    return "```text\n" + "\n".join(describe(mutant.spec, verdict.findings[0])) + "\n```\n"


def replaced(text: str, name: str, content: str) -> str:
    """The page with another text between the markers of that name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    first = text.index(begin) + len(begin)
    return text[:first] + content + text[text.index(end) :]


def page(builder: Builder) -> str:
    """The page as it should be."""
    text = replaced(DOCS.read_text(encoding="utf-8"), "mutants", "\n".join(table()) + "\n")
    return replaced(text, "hang", hang(builder))


if __name__ == "__main__":
    made = Builder(find_compiler(), CACHE, jobs=2)
    DOCS.write_text(page(made), encoding="utf-8")
    made.close()
