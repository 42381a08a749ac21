"""Runs the Python blocks of a page in order and fills in the output that follows each: `python docs/run.py PAGE…`."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

_BLOCK = re.compile(r"```python\n(.*?)```\n(\n```text\n)?(.*?)(?=```)", re.DOTALL)


def with_output(text: str, name: str) -> str:
    """The page with the output of each of its Python blocks in the text block that follows it."""
    scope: dict[str, object] = {"__name__": name}

    def run(match: re.Match[str]) -> str:
        code, opening, old = match.groups()
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, name, "exec"), scope)  # noqa: S102 - our own page
        return f"```python\n{code}```\n{opening}{output.getvalue()}" if opening else f"```python\n{code}```\n{old}"

    return _BLOCK.sub(run, text)


if __name__ == "__main__":
    for page in sys.argv[1:]:
        path = Path(page)
        path.write_text(with_output(path.read_text(encoding="utf-8"), page), encoding="utf-8")
