"""Makes docs/errors.md from the table of codes and the messages of bad specs: `python -m docs.errors`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ttgen.codes import CODES, code_of

PAGE = Path(__file__).parent / "errors.md"
MESSAGES = Path(__file__).parent.parent / "tests" / "bad_specs" / "messages"

_INTRODUCTION = """\
# Codes

<!-- Made by docs/errors.py: change the code, not this page. -->

Each kind of mistake has a code, which `--format` prints beside the message ([formats](review.md#formats)) and which stays what
it is. `ttgen explain TG012` says what this page says. All of the codes below 500 are errors of a spec: nothing is rendered, and
nothing switches them off.
"""


def page() -> str:
    """The text of the page."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    examples: dict[str, str] = {}
    for path in sorted(MESSAGES.glob("*.txt")):
        for first, shown in _messages(path.read_text(encoding="utf-8")):
            examples.setdefault(code_of(first), shown)
    for item in CODES:
        yield f"\n## {item.code}: {item.title}\n\n{item.fix}\n"
        if item.pattern and item.code in examples:
            yield f"\n```text\n{examples[item.code]}\n```\n"


def _messages(text: str) -> Iterator[tuple[str, str]]:
    """Each message of a file, without its place, and as it is printed."""
    for block in re.split(r"^(?=specs/)", text, flags=re.MULTILINE):
        if match := re.match(r"specs/\S+:\d+:\d+: error: (.*)", block):
            yield match[1], block.rstrip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
