"""YAML as a spec has it: the 1.2 core schema, with the place of everything, in every style of scalar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttgen.errors import Place, Problem, SpecError
from ttgen.source import Source, parse


def document(text: str) -> object:
    return parse(text, name="t.yaml").document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("n", "n"), ("12:30", "12:30"), ("1_000", "1_000"), ("2024-01-01", "2024-01-01"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("12", 12), ("-3", -3), ("+4", 4), ("0o17", 15),
        ("0x1F", 31), ("017", 17), ("1e3", 1000.0), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("-.inf", float("-inf")),
        ("'12'", "12"), ('"on"', "on"), ("! 12", "12"), ("a b", "a b"),
    ],
)  # fmt: skip
def test_scalars_of_yaml_1_2(text: str, value: object) -> None:
    assert document(f"key: {text}\n") == {"key": value}
    assert type(document(f"key: {text}\n")["key"]) is type(value)  # type: ignore[index]


def pointed(source: Source, problem: Problem) -> str:
    """What the caret is under."""
    line, column, length = source.locate(problem)
    return source.text.split("\n")[line][column : column + length]


def test_values_keys_and_entries() -> None:
    source = parse("a: {b: [1, two words, 3]}\nc:\n  - x\n  - y: z\n", name="t.yaml")
    at = {
        ("a", "b", 1): "two words", ("a", "b", 2): "3", ("c", 0): "x", ("c", 1, "y"): "z", ("a",): "{b: [1, two words, 3]}",
    }  # fmt: skip
    for path, text in at.items():
        assert pointed(source, Problem(message="", path=path)) == text
    assert pointed(source, Problem(message="", path=("c", 1, "y"), at_key=True)) == "y"
    assert pointed(source, Problem(message="", path=("a", "b"), at_key=True)) == "b"
    # What isn't there: the nearest key above it.
    assert pointed(source, Problem(message="", path=("c", 1, "missing"), at_key=True)) == "y: z"


FORMULA = "C = größe + A @ B"
STYLES = {
    "plain": "compute: C = größe + A @ B\n",
    "single": "compute: 'C = größe + A @ B'\n",
    "double": 'compute: "C = gr\\u00f6\\xdfe + A @ B"\n',
    "flow": "{kernel: k, compute: C = größe + A @ B}\n",
    "literal": "compute: |\n  C = größe +\n  A @ B\n",
    "folded": "compute: >-\n    C = größe\n    + A @ B\n",
    "plain on two lines": "compute: C = größe +\n  A @ B\n",
    "list": "compute:\n  - X = 1\n  - C = größe + A @ B\n",
    "after a byte order mark": "\ufeffcompute: C = größe + A @ B\n",
    "carriage returns": "kernel: k\r\ncompute: C = größe + A @ B\r\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_characters_of_a_formula_in_every_style(style: str) -> None:
    source = parse(STYLES[style].encode(), name="t.yaml")
    assert isinstance(source.document, dict)
    value = source.document["compute"]
    path = ("compute", 1) if style == "list" else ("compute",)
    text = value[1] if style == "list" else value
    start = text.index("A @ B")
    assert pointed(source, Problem(message="", path=path, span=(start, start + 5))) == "A @ B"


def refusal(text: str | bytes) -> str:
    with pytest.raises(SpecError) as refused:
        parse(text, name="t.yaml")
    return "; ".join(problem.message for problem in refused.value.problems)


def test_every_duplicate_is_said() -> None:
    assert refusal("a: 1\nb: {c: 1, c: 2}\na: 3\n") == "duplicate key 'c'; duplicate key 'a'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\n", "anchors"), ("a: *x\n", "anchors"), ("a: !!str 1\n", "tags"), ("--- 1\n--- 2\n", "one document"),
        ("[a]: 1\n", "a key is a word"), ("a: [1\n", "not YAML"), ("a: 'x\n", "not YAML"), ("\ta: 1\n", "tabs"), (b"\xff\xfe", "not UTF-8"),
        (b"a\x00", "not text"), ("a: " + "[" * 40 + "]" * 40, "deeper than 32"), ("#" * 1_000_001, "larger than"),
    ],
)  # fmt: skip
def test_what_a_spec_may_not_be(text: str | bytes, message: str) -> None:
    assert message in refusal(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_a_refusal(raw: bytes) -> None:
    places: tuple[Place, ...] = ()
    problems: tuple[Problem, ...] = ()
    try:
        parse(raw, name="t.yaml")
    except SpecError as error:
        places, problems = error.places, error.problems
    for place, _problem in zip(places, problems, strict=True):
        assert place.line <= raw.count(b"\n") + raw.count(b"\r")
        assert place.length >= 1
