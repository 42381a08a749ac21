"""A mistake in a formula is pointed at where its author wrote it, whatever YAML does to the text on its way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ttgen.errors import Problem
from ttgen.source import parse

WORD = "wrong"
WORDS = st.lists(st.sampled_from(["A", "+", "*", "größe", "(", ")", "0.5", "日本"]), min_size=1, max_size=8)
HEAD = "kernel: k  # größe\ncompute:"
GAPS = st.lists(st.sampled_from([" ", "  ", "\n", "\n\n"]), min_size=20, max_size=20)


def pointed(text: str) -> tuple[int, int, int]:
    """What `wrong` is found at when it is looked for in the value, as line, column and length."""
    source = parse(text, name="t.yaml")
    assert isinstance(source.document, dict)
    start = source.document["compute"].index(WORD)
    return source.locate(Problem(message="", path=("compute",), span=(start, start + len(WORD))))


def written(text: str) -> tuple[int, int, int]:
    """Where `wrong` is in the file."""
    before = text[: text.index(WORD)]
    return before.count("\n"), len(before) - before.rfind("\n") - 1, len(WORD)


def joined(words: list[str], gaps: list[str], indent: str) -> str:
    """The words with a gap between each two; lines after the first are indented."""
    found = words[0]
    for word, gap in zip(words[1:], gaps, strict=False):
        found += gap + (indent if "\n" in gap else "") + word
    return found


@given(before=WORDS, after=WORDS, gaps=GAPS, indent=st.sampled_from(["  ", "    "]))
def test_plain(before: list[str], after: list[str], gaps: list[str], indent: str) -> None:
    text = f"{HEAD} C = {joined([*before, WORD, *after], gaps, indent)}\n"
    assert pointed(text) == written(text)


@given(before=WORDS, after=WORDS, gaps=GAPS, indent=st.sampled_from(["", "  ", "    "]), quote=st.sampled_from("'\""))
def test_quoted(before: list[str], after: list[str], gaps: list[str], indent: str, quote: str) -> None:
    text = f"{HEAD} {quote}{joined([*before, WORD, *after], gaps, '  ' + indent)}{quote}\n"
    assert pointed(text) == written(text)


@given(
    before=WORDS, after=WORDS, gaps=GAPS, indent=st.sampled_from(["  ", "    "]),
    style=st.sampled_from(["|", ">", "|-", ">-", "|+", "> # a comment", "|2-"]),
)  # fmt: skip
def test_block(before: list[str], after: list[str], gaps: list[str], indent: str, style: str) -> None:
    lead = "  " if "2" in style else indent
    text = f"{HEAD} {style}\n\n{lead}C = {joined([*before, WORD, *after], gaps, lead)}\n"
    assert pointed(text) == written(text)


@given(
    before=WORDS,
    gaps=GAPS,
    escapes=st.lists(
        st.sampled_from([r"\u00e4", r"\xe4", r"\U0001F600", r"\/", r"\t", r"\n", "\\\n  ", "\\\n\\  "]), max_size=5
    ),
)
def test_escapes(before: list[str], gaps: list[str], escapes: list[str]) -> None:
    text = f'{HEAD} "{joined(before, gaps, "  ")} {" ".join([*escapes, WORD])} + A"\n'
    assert pointed(text) == written(text)
