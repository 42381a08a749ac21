"""What is large, odd or hostile is served or refused in words; it never ends in a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ttgen
from ttgen.cli.main import main
from ttgen.diagnostics import describe
from ttgen.errors import OutputError, SpecError
from ttgen.model.artifact import Artifact
from ttgen.output import compare, write


def spec(*formulas: str, more: str = "", **shapes: list[int]) -> str:
    tensors = "".join(f"  {name}: {{shape: {shape}, dtype: bfloat16}}\n" for name, shape in shapes.items())
    return f"kernel: k\ntensors:\n{tensors}compute: {json.dumps(list(formulas))}\n{more}"


def outcome(text: str) -> str:
    """`served`, or the messages."""
    try:
        plan = ttgen.plan(ttgen.loads(text))
    except SpecError as error:
        return describe(error)
    assert ttgen.render(plan)
    return "served"


# A buffer is called after its tensor, or its tensor and its use: no tensor's own name may be taken by that.
@pytest.mark.parametrize(
    ("formula", "tensors"),
    [
        ("C = A @ B + A * A_left", "A B A_left C"),
        ("C = A @ B + A * A_tile", "A B A_tile C"),
        ("C = A @ A + A_left", "A A_left C"),
        ("C = A @ A + A_right", "A A_right C"),
        ("C = exp(zeros) + partial_0 * number", "zeros partial_0 number C"),
        ("C = Mt @ Kt + unit_start * grid_x", "Mt Kt unit_start grid_x C"),
        ("cb = a @ A", "a A cb"),
    ],
)
def test_names_that_ttgen_uses_itself(formula: str, tensors: str) -> None:
    shapes = {name: [64, 64] for name in tensors.split()}
    for accumulate in ("float32", "bfloat16"):
        text = spec(formula, more=f"precision: {{accumulate: {accumulate}}}\n", **shapes)
        assert outcome(text) == "served"
        buffers = ttgen.plan(ttgen.loads(text)).program.circular_buffers
        assert len({buffer.name for buffer in buffers}) == len({buffer.index for buffer in buffers}) == len(buffers)


# Sizes of 2^40 are 2^35 tiles: no argument of a kernel, and no card, holds that.
@pytest.mark.parametrize(
    "text",
    [
        spec("C = A @ B", A=[32, 2**40], B=[2**40, 32], C=[32, 32]),

            spec("C = A + B", A=[64, 64], B=[64, 64], C=[64, 64], more=f"schedule: {{order: {{block_linear: {2**40}}}}}"),
        spec("C = A + B", A=[64, 64], B=[64, 64], C=[64, 64], more=f"schedule: {{cores: {2**40}}}"),
        spec("C = A + B", A=[64, 64], B=[64, 64], C=[64, 64], more=f"schedule: {{block: {{m: {2**40}}}}}"),
    ],
)  # fmt: skip
def test_numbers_beyond_32_bits(text: str) -> None:
    assert "error: " in outcome(text)


@pytest.mark.parametrize("count", [50, 400, 3000])
def test_a_long_chain_of_formulas(count: int) -> None:
    steps = [f"v{i} = exp(v{i - 1}) + v{i - 1}" for i in range(1, count)]
    result = outcome(spec("v0 = abs(x)", *steps, f"y = v{count - 1}", x=[32], y=[32]))
    assert result == "served" or "error: " in result


@pytest.mark.parametrize(
    "formula",
    ["B = A * 1.1754944e-38", "B = A / 1.2e-38", "B = A / 3e38", "B = A * 0.0", "B = softplus(A, beta=1e-37)",
     "B = A / 8.5e37", "B = A / 8.6e37"],
)  # fmt: skip
def test_small_and_large_numbers(formula: str) -> None:
    assert outcome(spec(formula, A=[32], B=[32])) == "served"


@pytest.mark.parametrize(
    ("formula", "part"),
    [
        ("B = A * 1e-50", "1e-50"),
        ("B = A / 1e-45", "1e-45"),
        ("B = 1.175494e-38 + A", "1.175494e-38"),
        ("B = A * (1e-20 * 1e-20)", "1e-20 * 1e-20"),
        ("B = A * -1e-39", "1e-39"),
        ("B = leaky_relu(A, slope=1e-40)", "1e-40"),
        ("B = softplus(A, beta=1e-45)", "1e-45"),
        ("B = softplus(A, beta=8.6e37)", "softplus"),
    ],
)
def test_numbers_that_the_card_takes_as_zero(formula: str, part: str) -> None:
    """Below 2^-126 = 1.1754944e-38 float32 is subnormal; also the reciprocal of a beta above 2^126."""
    text = spec(formula, A=[32], B=[32])
    line = text.splitlines()[4]
    assert formula in line
    first = outcome(text)
    assert "normal float32" in first
    assert first.startswith(f"spec.yaml:5:{line.index(part) + 1}: error: ")


@pytest.mark.parametrize(
    "value",
    [
        r"C = A + \0 A",
        r"C = A \u00a0+ gleu(A)",
        r"C = A +\n gleu(A)",
        r"C = A +\t gleu(A)",
        r"C = A +\_ gleu(A)",
    ],
)
def test_escapes_that_are_white_space(value: str) -> None:
    text = f'kernel: k\ntensors:\n  A: {{shape: [8], dtype: float32}}\n  C: {{shape: [8], dtype: float32}}\ncompute: "{value}"\n'
    assert outcome(text).startswith("spec.yaml:5:")


def test_a_formula_that_does_not_parse_still_assigns_its_name() -> None:
    result = outcome(spec("D = A ** B", "C = D + A", A=[8], B=[8], C=[8]))
    assert result.count("error: ") == 1


@pytest.mark.parametrize("dtype", ["16", "~", "true", "[bfloat16]"])
def test_one_mistake_is_one_problem(dtype: str) -> None:
    text = spec("C = exp(A)", A=[8], C=[8]).replace(
        "A: {shape: [8], dtype: bfloat16}", f"A: {{shape: [8], dtype: {dtype}}}"
    )
    assert outcome(text).count("error: ") == 1


def test_a_caret_stands_under_its_word_after_tabs() -> None:
    text = (
        "kernel: k\ntensors:\n  A: {shape: [8],\tdtype:\tbf}\n  C: {shape: [8], dtype: float32}\ncompute: C = exp(A)\n"
    )
    line, caret = outcome(text).splitlines()[1:]
    before = line[: line.index("bf}")]
    assert caret.index("^") == len(before)
    assert [character == "\t" for character in caret[: len(before)]] == [character == "\t" for character in before]


def test_a_mistake_far_to_the_right_is_shown() -> None:
    pad = ", ".join(f"M{i}: 1" for i in range(60))
    text = f"{{kernel: k, dims: {{{pad}}}, tensors: {{A: {{shape: [8], dtype: bf}}}}, compute: C = exp(A)}}\n"
    problem = outcome(text).splitlines()
    assert "dtype: bf" in problem[1]
    assert problem[2].strip() == "^~"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name",
    [
        "/", "../../outside", "..", "a/../../../outside",
        *(name for name in ("", ".", "a", "a\0b", "\ud800", "x" * 300, "tt.plan.json/x")),
    ],
)  # fmt: skip
def test_an_earlier_plan_that_lists_nonsense(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_text("// Generated by ttgen from k.yaml\n")
    (tmp_path / "out/k/a").mkdir(parents=True)
    (tmp_path / "out/k/tt.plan.json").write_text(
        json.dumps({"schema_version": 1, "kernel": "k", "files": [name, "tt.plan.json"]})
    )
    before = files(tmp_path)
    new = Artifact("k/tt.plan.json", json.dumps({"schema_version": 1, "kernel": "k", "files": ["tt.plan.json"]}))
    write(tmp_path / "out", compare(tmp_path / "out", [new]))
    assert files(tmp_path) == before | {"out/k/tt.plan.json": new.text.encode()}


def test_an_earlier_plan_that_nests_deep(tmp_path: Path) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k/tt.plan.json").write_text("[" * 200_000)
    with pytest.raises(OutputError, match="ttgen didn't write it"):
        compare(tmp_path, [Artifact("k/tt.plan.json", "{}")])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_failure_while_files_take_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    import os

    mark = "// Generated by ttgen from k.yaml\n"
    for text in ("old", "new"):
        texts = [Artifact(f"k/{name}", f"{mark}{text}") for name in "ab"]
        plan = {"schema_version": 1, "kernel": "k", "files": ["a", "b", "tt.plan.json"], "text": text}
        changes = compare(tmp_path, [*texts, Artifact("k/tt.plan.json", json.dumps(plan))])
        if text == "old":
            write(tmp_path, changes)
    before = files(tmp_path)
    replace, calls = os.replace, [0]

    def fail(source: str, target: str) -> None:
        calls[0] += 1
        if calls[0] == number + 1:
            raise PermissionError(1, "Operation not permitted", target)
        replace(source, target)

    monkeypatch.setattr("ttgen.output.os.replace", fail)
    with pytest.raises(OutputError, match="Operation not permitted"):
        write(tmp_path, changes)
    assert files(tmp_path) == before


SPEC = spec("Y = exp(X)", X=[8], Y=[8])


def test_one_file_by_two_names_is_one_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "s.yaml").write_text(SPEC)
    assert main(["validate", str(tmp_path / "s.yaml"), str(tmp_path / "sub/../s.yaml")]) == 0
    assert capsys.readouterr().out.count(": ok: ") == 1


@pytest.mark.parametrize("arguments", [["Y = X.T @ W", "X=4,4", "W=4,4"], ["Y = exp(X)", "X=4", "X=5"]])
def test_new_writes_nothing_that_plan_refuses(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", *arguments]) == 1
    out, err = capsys.readouterr()
    assert (out, "error: " in err) == ("", True)


def test_more_outputs_than_they_have_buffers() -> None:
    """Outputs have the indices from 16 to 23."""

    def with_outputs(count: int) -> str:
        names = [f"Y{number}" for number in range(count)]
        tensors = "".join(f"  {name}: {{shape: [32, 32], dtype: bfloat16}}\n" for name in ("X", *names))
        formulas = "".join(f"  - {name} = X + {place}\n" for place, name in enumerate(names, 1))
        return f"kernel: k\ntensors:\n{tensors}compute:\n{formulas}"

    assert outcome(with_outputs(8)) == "served"
    assert "9 output buffers" in outcome(with_outputs(9))
    assert "8 of them (16 to 23)" in outcome(with_outputs(9))
