"""Makes docs/api.md from the docstrings of what `import ttgen` has."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path

import ttgen

PAGE = Path(__file__).parent / "api.md"

_INTRODUCTION = """\
# The Python API

<!-- Made by docs/api.py from docstrings: change the code, not this page. -->

`import ttgen` is quick: what a name needs is imported when it is used. Everything is a frozen dataclass or a pure function; a
plan's fields are those of `tt.plan.json` ([its schema](../ttgen/schema/plan.schema.json)).

```python
import ttgen

try:
    plan = ttgen.plan(ttgen.loads("kernel: gemm"))
except ttgen.SpecError as error:
    print(ttgen.describe(error))
```
"""


def page() -> str:
    """The text of the page."""
    return _INTRODUCTION + "".join(_entries())


def _entries() -> Iterator[str]:
    names = [name for name in ttgen.__all__ if not name.startswith("_")]
    # Functions first: they are where one begins.
    for name in sorted(names, key=lambda name: (not inspect.isfunction(getattr(ttgen, name)), name.lower())):
        item = getattr(ttgen, name)
        signature = f"{inspect.signature(item)}" if inspect.isfunction(item) else ""
        yield f"\n## `{name}{signature.replace(chr(39), '')}`\n\n{_text(inspect.getdoc(item) or '')}"
        if dataclasses.is_dataclass(item) and "Attributes:" not in (item.__doc__ or ""):
            yield f"\nFields: {', '.join(f'`{field.name}`' for field in dataclasses.fields(item))}.\n"


def _text(doc: str) -> str:
    """A docstring in Markdown: sections in bold, their entries as a list."""
    lines = []
    section = False
    for line in doc.splitlines():
        if line in ("Attributes:", "Args:", "Raises:", "Returns:"):
            section = True
            lines += [f"**{line[:-1]}**", ""]
        elif section and line.startswith("    ") and not line.startswith("     "):
            head, colon, rest = line.strip().partition(": ")
            lines.append(f"- `{head}`: {rest}" if colon else f"- {line.strip()}")
        elif section and line.strip():
            lines.append(f"  {line.strip()}")
        else:
            section = section and not line
            lines.append(line)
    return "\n".join(lines).strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
