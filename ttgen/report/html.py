"""HTML as text: elements whose contents are escaped, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ttgen.records import dataclass


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of a page, as it stands there."""

    text: str


Content = Html | str | int | float


def element(name: str, *inside: Content, **attributes: str | None) -> Html:
    """An element; attributes of None are left out, `class_` is `class`, and `_` in others is `-`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>{joined(inside).text}</{name}>")


def joined(parts: Iterable[Content], between: str = "") -> Html:
    """Pieces one after another."""
    return Html(between.join(part.text if isinstance(part, Html) else escape(str(part)) for part in parts))


def table(
    caption: str,
    head: Sequence[Content],
    rows: Iterable[Sequence[Content]],
    *,
    numbers: Sequence[int] = (),
    prose: Sequence[int] = (),
) -> Html:
    """A table that scrolls by itself where it is too wide; the first cell of a row is its header.

    Args:
        caption: what it shows.
        head: of the columns.
        rows: of cells.
        numbers: the columns that hold numbers.
        prose: those that hold sentences, which may take several lines.
    """

    def kind(column: int) -> str | None:
        return "number" if column in numbers else "prose" if column in prose else None

    top = element("tr", *(element("th", cell, scope="col", class_=kind(column)) for column, cell in enumerate(head)))
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell, class_=kind(column)) for column, cell in enumerate(row[1:], 1)),
        )
        for row in rows
    ]
    inner = element("table", element("caption", caption), element("thead", top), element("tbody", *body))
    return element("div", inner, class_="scroll", tabindex="0", role="group", aria_label=caption)


def bar(part: float, kind: str = "") -> Html:
    """A bar that is a part of its column; the number beside it says the same."""
    width = f"{100 * min(max(part, 0.0), 1.0):.1f}%"
    return element(
        "span", element("span", class_=f"fill {kind}".strip(), style=f"width:{width}"), class_="bar", aria_hidden="true"
    )


def code(text: str, label: str) -> Html:
    """A text with the lines that it has, which scrolls by itself, by keyboard too."""
    return element("pre", element("code", text), tabindex="0", role="group", aria_label=label)
