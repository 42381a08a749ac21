"""Tables that are measured, in a page of docs/."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path


def publish(lines: Iterable[str], page: Path, marks: tuple[str, str]) -> None:
    """Prints a table; with `--write` it takes the place of what a page has between two marks."""
    text = "\n".join(lines) + "\n"
    if "--write" not in sys.argv[1:]:
        print(text)
        return
    before, rest = page.read_text(encoding="utf-8").split(marks[0])
    after = rest.split(marks[1])[1]
    page.write_text(f"{before}{marks[0]}\n{text}\n{marks[1]}{after}", encoding="utf-8")
