"""A schedule goes into a spec's text without anything else changing."""

from __future__ import annotations

from pathlib import Path as FilePath

import pytest

from ttgen.errors import Path, SpecError
from ttgen.loading import loads
from ttgen.source import parse
from ttgen.spec import Block, CoreGrid, Schedule
from ttgen.tuning import edit
from ttgen.tuning.edit import as_file, edited, flow

BEST = Schedule(policy="rectangular", block=Block(m=4, n=4, k=2), multicast="both", prefetch=True)
FLOW = "{policy: rectangular, block: {m: 4, n: 4, k: 2}, multicast: both, prefetch: true}"
HEAD = "kernel: gemm  # a name\ncompute: C = A @ B   # a formula\n"


def with_best(text: str, *path: str) -> str:
    return edited(parse(text, name="x.yaml"), {path or ("schedule",): BEST})


IN_BRACKETS = """\
schedule: {policy: auto, # why
   block: {m: 2}, buffers: 3,}
target: n150
"""
IN_BRACKETS_AFTER = """\
schedule: {policy: rectangular, # why
   block: {m: 4, n: 4, k: 2}, buffers: 2, multicast: both, prefetch: true,}
target: n150
"""
IN_LINES = """\
schedule:
    # runs
    policy: contiguous   # or not
    block:
      m: 1
      n: auto   # any
    # after

# end
target: n150
"""
IN_LINES_AFTER = """\
schedule:
    # runs
    policy: rectangular   # or not
    block:
      m: 4
      n: 4   # any
      k: 2
    multicast: both
    prefetch: true
    # after

# end
target: n150
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"schedule: {FLOW}\n"),
        ("\n# the end\n...\n", f"schedule: {FLOW}\n\n# the end\n...\n"),
        ("schedule: auto   # find it\n# the end", f"schedule: {FLOW}   # find it\n# the end"),
        ('"schedule" : "auto"\n', f'"schedule" : {FLOW}\n'),
        ("schedule: {}", f"schedule: {FLOW}"),
        (IN_BRACKETS, IN_BRACKETS_AFTER),
        (IN_LINES, IN_LINES_AFTER),
    ],
)
def test_only_what_changes(before: str, after: str) -> None:
    assert with_best(HEAD + before) == HEAD + after


def test_cores_stay() -> None:
    text = f"{HEAD}schedule:\n  policy: rectangular\n  block: auto\n  cores: {{rows: 4, cols: 4}} # half"
    best = Schedule(policy="rectangular", cores=CoreGrid(rows=4, cols=4), block=BEST.block, multicast="both")
    after = text.replace("block: auto", "block: {m: 4, n: 4, k: 2}") + "\n  multicast: both\n"
    assert edited(parse(text, name="x.yaml"), {("schedule",): best}) == after


def test_a_spec_in_brackets() -> None:
    text = "{kernel: gemm, compute: C = A @ B,  # why\n}"
    assert with_best(text) == f"{{kernel: gemm, compute: C = A @ B, schedule: {FLOW},  # why\n}}"


def test_stages() -> None:
    both: dict[Path, Schedule] = {("stages", "H", "schedule"): BEST, ("stages", "Y", "schedule"): BEST}
    lines = f"stages:\n  H: {{schedule: {FLOW}}}\n  Y: {{schedule: {FLOW}}}\n"
    assert edited(parse(HEAD, name="x.yaml"), both) == HEAD + lines
    text = f"stages:\n   H:   # a layer\n      dtype: bfloat16\n{HEAD}"
    assert with_best(text, "stages", "H", "schedule") == text.replace(
        "bfloat16\n", f"bfloat16\n      schedule: {FLOW}\n"
    )


def test_a_formula_in_lines_of_its_own() -> None:
    text = "kernel: gemm\ncompute: |\n  C = A @ B\n"
    assert with_best(text) == f"{text}schedule: {FLOW}\n"


@pytest.mark.parametrize("path", sorted(FilePath("specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_spec_of_the_repository(path: FilePath) -> None:
    raw = path.read_bytes()
    text = with_best(raw.decode())
    schedule = loads(text, name=path.name).spec.schedule
    assert isinstance(schedule, Schedule)
    assert schedule.block == BEST.block
    # Every line with a comment is there, and so is what isn't the schedule's.
    comments = [line.split("#", 1)[1] for line in raw.decode().splitlines() if "#" in line]
    assert [line.split("#", 1)[1] for line in text.splitlines() if "#" in line] == comments
    before, after = parse(raw, name="x").document, parse(text, name="x").document
    assert {**before, "schedule": 0} == {**after, "schedule": 0}


def test_an_edit_that_gives_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit, "_flow", lambda value: "[" if isinstance(value, dict) else str(value))
    with pytest.raises(SpecError, match="put it in by hand"):
        with_best(HEAD)


def test_what_is_said_already_stays() -> None:
    text = f"{HEAD}schedule: {{block: {{n: 2}}}}\n"
    assert edited(parse(text, name="x"), {("schedule",): Schedule(block=Block(n=2))}) == text
    assert edited(parse(HEAD, name="x"), {("schedule",): Schedule()}) == HEAD
    text = f"{HEAD}schedule: {{cores: auto, split: 1}}\n"
    assert edited(parse(text, name="x"), {("schedule",): Schedule()}) == text
    assert flow(Schedule()) == "{}"


def test_the_ends_of_lines_stay() -> None:
    assert as_file(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "a: 1\nb: 3\n") == b"\xef\xbb\xbfa: 1\r\nb: 3\r\n"
    assert as_file(b"a: 1\n", "a: 2\n") == b"a: 2\n"
    with pytest.raises(SpecError, match="end in one way"):
        as_file(b"a: 1\r\nb: 2\n", "a: 1\nb: 3\n")
