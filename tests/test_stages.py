"""Formulas that one program can't compute: where they are cut, what lies between, and what is said of it."""

from __future__ import annotations

import json

import pytest

import ttgen
from tests.test_axes import graph
from tests.test_interpreter import agree
from ttgen.cli.main import main
from ttgen.errors import SpecError
from ttgen.formula.stages import Stage, cut
from ttgen.model.plan import Plan
from ttgen.spec import LoadedSpec

S = [64, 64]


def stages(formulas: list[str], **shapes: list[int]) -> tuple[Stage, ...]:
    return cut(graph(formulas, **shapes), dict.fromkeys(shapes, "bfloat16"), shapes)


def loaded(formulas: list[str], shapes: dict[str, list[int]], extra: str = "", dtype: str = "bfloat16") -> LoadedSpec:
    tensors = "".join(f"  {name}: {{shape: {shape}, dtype: {dtype}}}\n" for name, shape in shapes.items())
    compute = "".join(f"  - {text}\n" for text in formulas)
    return ttgen.loads(f"kernel: k\ntensors:\n{tensors}compute:\n{compute}{extra}")


# Of each stage: what it reads, and what it stores.
@pytest.mark.parametrize(
    ("formulas", "shapes", "expected"),
    [
        # One program each, as ever.
        (["Y = relu(A @ B) + A"], {"A": S, "B": S, "Y": S}, ["A A B > Y"]),
        (["P = A @ B", "Y = P * 2", "Z = P + A"], {"A": S, "B": S, "Y": S, "Z": S}, ["A A B > Y Z"]),
        (["Y = A @ B", "Z = exp(A)"], {"A": S, "B": S, "Y": S, "Z": S}, ["A A B > Y Z"]),
        # Layers.
        (["H = gelu(X @ W + b)", "Y = H @ V + X"], {"X": S, "W": S, "b": [64], "V": S, "Y": S}, ["W X b > H", "H V X > Y"]),
        (
            ["A = X @ W", "B = relu(A) @ W", "Y = tanh(B) @ W"],
            {"X": S, "W": S, "Y": S},
            ["W X > B_1", "B_1 W > Y_1", "W Y_1 > Y"],
        ),
        # Products of one input, of products, and of a product and something else.
        (["Q = X @ W", "K = X @ V"], {"X": S, "W": S, "V": [64, 32], "Q": S, "K": [64, 32]}, ["W X > Q", "V X > K"]),
        (["Y = (A @ B) @ (C @ D)"], dict.fromkeys("ABCDY", S), ["A B > Y_1", "C D > Y_2", "Y_1 Y_2 > Y"]),
        (["Y = A @ B + C @ D"], dict.fromkeys("ABCDY", S), ["A B > Y_1", "C D Y_1 > Y"]),
        (["Y = A @ B @ C"], dict.fromkeys("ABCY", S), ["A B > Y_1", "C Y_1 > Y"]),
        # A value is stored in the form in which it is read, in several forms if it has to be.
        (["H = X @ W", "Y = H + gelu(H) @ V"], dict.fromkeys("XWVY", S), ["W X > H Y_1", "H V Y_1 > Y"]),
        # A computed operand; two of one shape are one program, and what is read beside a product is made again.
        (["Y = gelu(X) @ W"], {"X": S, "W": S, "Y": S}, ["X > Y_1", "W Y_1 > Y"]),
        (["G = gelu(X)", "Y = G @ W + G"], {"X": S, "W": S, "Y": S}, ["X > G", "G W X > Y"]),
        (["Y = gelu(X) @ exp(W)"], {"X": S, "W": S, "Y": S}, ["W X > Y_1 Y_2", "Y_1 Y_2 > Y"]),
        # Outputs of two shapes, and a product that is spread over another shape.
        (["Y = A + B", "Z = A * A"], {"A": S, "B": [3, 64, 64], "Y": [3, 64, 64], "Z": S}, ["A B > Y", "A > Z"]),
        (["Y = A @ B + C"], {"A": S, "B": S, "C": [3, 64, 64], "Y": [3, 64, 64]}, ["A B > Y_1", "C Y_1 > Y"]),
        (["Y = A @ B + v @ B"], {"A": S, "B": S, "v": [1, 64], "Y": S}, ["B v > Y_1", "A B Y_1 > Y"]),
        # Lines of which there are fewer are another program's: several of the others would make, and store, the same.
        (
            ["Y = sum(X, axis=-1, keepdims=True)", "Z = sum(g, axis=-1, keepdims=True)"],
            {"X": S, "g": [1, 64], "Y": [64, 1], "Z": [1, 1]},
            ["X > Y", "g > Z"],
        ),
        (
            ["Y = sum(exp(X), axis=0)", "Z = max(sum(X, axis=-1, keepdims=True), axis=0)"],
            {"X": [3, 2, 64, 64], "Y": [2, 64, 64], "Z": [2, 64, 1]},
            ["X > Y", "X > Z_1", "Z_1 > Z"],
        ),
        # A declared output that a later formula reads is what it reads.
        (["Y = A @ B", "Z = Y @ B"], {"A": S, "B": S, "Y": S, "Z": S}, ["A B > Y", "B Y > Z"]),
        # What would wait for itself, were it made where its first operand is.
        (
            ["c = A @ B", "w = c * 2", "d = C @ D", "s = gelu(d + w)", "F = s @ D", "Y = c + s"],
            dict.fromkeys("ABCDFY", S),
            ["A B > c w", "C D c w > s Y", "D s > F"],
        ),
    ],
)  # fmt: skip
def test_where_formulas_are_cut(formulas: list[str], shapes: dict[str, list[int]], expected: list[str]) -> None:
    found = stages(formulas, **shapes)
    assert [
        f"{' '.join(sorted(stage.graph.inputs))} > {' '.join(output.tensor for output in stage.graph.outputs)}"
        for stage in found
    ] == [" ".join(dict.fromkeys(line.split())) for line in expected]
    plan = ttgen.plan(loaded(formulas, shapes))
    assert [program.name for program in plan.programs] == [stage.name for stage in found]
    agree(loaded(formulas, shapes), plan)


def test_names_that_formulas_dont_give() -> None:
    """A made name is nobody else's."""
    (first, _second) = stages(["Y = A @ Y_1 @ Y_2"], A=S, Y_1=S, Y_2=S, Y=S)
    assert (first.name, first.unnamed) == ("Y_3", ("Y_3",))


def planned(formulas: list[str], shapes: dict[str, list[int]], extra: str = "", dtype: str = "bfloat16") -> Plan:
    return ttgen.plan(loaded(formulas, shapes, extra, dtype))


LAYERS = ["H = gelu(X @ W)", "Y = H @ V"]
SHAPES = {"X": [100, 70], "W": [70, 48], "V": [48, 33], "Y": [100, 33]}


def test_dtypes_between_stages() -> None:
    """As wide as the widest input of the stage, block floats as bfloat16, or as it is said."""
    assert planned(LAYERS, SHAPES).tensor("H").dtype == "bfloat16"
    assert planned(LAYERS, {**SHAPES, "Y": [100, 64], "V": [48, 64]}, dtype="bfloat8_b").tensor("H").dtype == "bfloat16"
    assert planned(LAYERS, SHAPES, dtype="float32").tensor("H").dtype == "float32"
    wide = planned(LAYERS, SHAPES, "stages: {H: {dtype: float32}}\nprecision: {accumulate: bfloat16}\n")
    assert wide.tensor("H").dtype == "float32"
    assert wide.precision.accumulate == "float32"
    assert planned(LAYERS, SHAPES, "stages: {H: {dtype: bfloat8_b}}\n").tensor("H").dtype == "bfloat8_b"


def test_a_schedule_of_a_stages_own() -> None:
    extra = "schedule: {policy: strided, block: {m: 2, n: 1, k: 4}}\nstages: {H: {schedule: {block: {n: 2}}}}\n"
    first, second = planned(LAYERS, SHAPES, extra).programs
    assert (first.work.policy, second.work.policy) == ("contiguous", "strided")
    assert (first.work.block.m, first.work.block.n, first.work.block.k) == (1, 2, 1)
    # What all stages share is cut to the work that each of them has: K of the second is two tiles.
    assert (second.work.block.m, second.work.block.n, second.work.block.k) == (2, 1, 2)
    unit = next(item for item in planned(LAYERS, SHAPES, extra).decisions if item.name == "Y: unit")
    assert (unit.origin, unit.because.split("; ")[-1]) == ("spec", "of the block of all stages, what there is work for")


def test_shards_between_stages_stay_on_their_cores() -> None:
    extra = "stages: {H: {layout: {l1_sharded: {split: height, cores: {rows: 1, cols: 4}}}}}\n"
    shapes = {"X": [128, 64], "W": [64, 64], "V": [64, 64], "Y": [128, 64]}
    plan = planned(LAYERS, shapes, extra)
    first, second = plan.programs
    assert first.resident() == second.resident() == {"H": "H"}
    assert first.cost.dram_write_bytes == 0
    # One row of two tiles of H on each core, in both programs; nothing of it is read from anywhere.
    share = 2 * 2048
    assert all(
        sum(item.bytes for item in program.allocations if item.tensor == "H") == share for program in plan.programs
    )
    assert second.cost.dram_read_bytes == 4 * 2 * 2 * 2048
    agree(loaded(LAYERS, shapes, extra), plan)


def test_what_lies_in_l1_counts_in_every_program() -> None:
    extra = "stages: {H: {layout: l1_interleaved}}\n"
    formulas = [*LAYERS, "Z = X @ U"]
    shapes = {**SHAPES, "U": [70, 33], "Z": [100, 33]}
    without, beside = planned(formulas, shapes), planned(formulas, shapes, extra)
    # Eight pages round 64 cores: one a core, also while the third program runs, which has nothing to do with it.
    assert [b.l1.bytes - a.l1.bytes for a, b in zip(without.programs, beside.programs, strict=True)] == [2048] * 3


def padding(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    return {tensor.name: [(use.program, use.padding) for use in tensor.uses] for tensor in plan.tensors}


def test_padding_between_stages() -> None:
    """K of 48 is a tile and a half: the rows of V that pad it are zero, so those columns of H have to be finite."""
    found = padding(planned(LAYERS, SHAPES))
    assert found["H"] == [("Y", "finite")]
    assert found["V"] == [("Y", "zero")]
    # What gives them: columns of W that are zero.
    assert found["W"] == [("H", "zero")]
    whole = padding(planned(LAYERS, {**SHAPES, "W": [70, 64], "V": [64, 33]}))
    assert whole["H"] == whole["V"] == [("Y", "any")]
    # Nobody uploads either operand: one of them is shown to be zero.
    both = padding(
        planned(
            ["Y = (X @ W) @ (V @ U)"], {"X": [100, 70], "W": [70, 48], "V": [48, 33], "U": [33, 20], "Y": [100, 20]}
        )
    )
    assert (both["Y_1"], both["Y_2"]) == ([("Y", "zero")], [("Y", "finite")])


def test_padding_through_stages() -> None:
    """Rows of padding come from operands' rows, through as many stages as there are."""
    formulas = ["G = A @ B", "H = exp(G @ C)", "Y = X @ H"]
    shapes = {"A": [40, 64], "B": [64, 64], "C": [64, 64], "X": [32, 40], "Y": [32, 64]}
    found = padding(planned(formulas, shapes))
    assert (found["A"], found["G"], found["H"]) == ([("G", "zero")], [("H", "zero")], [("Y", "finite")])
    assert found["B"] == [("G", "any")]
    agree(loaded(formulas, shapes), planned(formulas, shapes))
    with pytest.raises(SpecError, match="holds in the padding of the last tile has to be finite"):
        planned(["H = log(A @ B)", "Y = X @ H"], {name: shapes[name] for name in "ABXY"})


def test_banks_that_two_stages_want_otherwise() -> None:
    text = """\
kernel: k
tensors:
  X: {shape: [64, 64], dtype: bfloat16}
  W: {shape: [64, 2048], dtype: bfloat16, layout: dram_sharded}
  P: {shape: [64, 2048], dtype: bfloat16}
  Q: {shape: [64, 2048], dtype: bfloat16}
compute: [P = X @ W, Q = exp(X) @ W]
stages: {P: {schedule: {block: {n: 4}}}, Q: {schedule: {block: {n: 5}}}}
"""
    with pytest.raises(SpecError, match=r"give them one block\.n"):
        ttgen.plan(ttgen.loads(text))
    assert len(ttgen.plan(ttgen.loads(text.replace("n: 5", "n: 4"))).programs) == 3


def test_a_plan_of_several_programs(capsys: pytest.CaptureFixture[str]) -> None:
    plan = ttgen.plan(ttgen.load("specs/mlp.yaml"))
    document = json.loads(next(file.text for file in ttgen.render(plan) if file.path.endswith("tt.plan.json")))
    assert document["io_order"] == ["X", "W1", "b1", "W2", "Y"]
    assert [(tensor["name"], tensor["role"]) for tensor in document["tensors"]][-2:] == [
        ("Y", "output"),
        ("H", "scratch"),
    ]
    assert [program["name"] for program in document["programs"]] == ["H", "Y"]
    assert {kernel["file"] for program in document["programs"] for kernel in program["kernels"]} == {
        f"kernels/{stage}/{kernel}.cpp" for stage in "HY" for kernel in ("reader", "compute", "writer")
    }
    decisions = {decision["name"]: decision for decision in document["decisions"]}
    assert decisions["stages"]["value"] == "H, Y"
    assert decisions["scratch"]["value"] == "H in bfloat16, 157,696 B"
    assert main(["plan", "specs/silu_linear.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "an operand of '@' that is computed is a program of its own; Y reads it when it is whole" in shown
    assert "no formula names it" in shown
    assert "program Y_1 (map)" in shown
