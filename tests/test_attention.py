"""Attention: what is one, its counts, what cores have of it, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import ttgen
from ttgen.analysis import interpreter
from ttgen.cost import predict
from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.formula.online import Online, Unlike, found_in
from ttgen.formula.reference import evaluate
from ttgen.model.plan import Plan
from ttgen.planner.resolve import candidates
from ttgen.spec import LoadedSpec
from ttgen.target import load as load_target

SQUARE = {"Q": "2, 128, 64", "K": "2, 128, 64", "V": "2, 128, 64", "O": "2, 128, 64"}
LONG = dict.fromkeys("QKVO", "1, 8, 2048, 128")
CACHE = {"Q": "8, 4, 128", "K": "8, 4096, 128", "V": "8, 4096, 128", "O": "8, 4, 128"}


def spec(compute: str | list[str], schedule: str = "", **shapes: str) -> LoadedSpec:
    lines = ["kernel: k", "tensors:"]
    lines += [f"  {name}: {{shape: [{shape}], dtype: bfloat16}}" for name, shape in shapes.items()]
    lines += ["compute:", *(f"  - {line}" for line in ([compute] if isinstance(compute, str) else compute))]
    return ttgen.loads("\n".join([*lines, *([f"schedule: {schedule}"] if schedule else []), ""]))


def plan(compute: str | list[str], schedule: str = "", **shapes: str) -> Plan:
    return ttgen.plan(spec(compute, schedule, **shapes))


# What is one.


@pytest.mark.parametrize(
    "compute",
    [
        "O = attention(Q, K, V)",
        "O = attention(Q, K, V, scale=0.125)",
        "O = softmax(Q @ K.mT * 0.125) @ V",
        "O = softmax(0.125 * (Q @ K.mT), axis=2) @ V",
        ["S = Q @ K.mT * 0.125", "P = softmax(S)", "O = P @ V"],
        ["x = Q @ K.mT * 0.125", "e = exp(x - max(x, axis=-1, keepdims=True))",
         "O = e / sum(e, axis=-1, keepdims=True) @ V"],
        ["x = Q @ K.mT * 0.125", "e = exp(x - max(x, axis=-1, keepdims=True))",
         "O = (e @ V) / sum(e, axis=-1, keepdims=True)"],
        ["x = Q @ K.mT * 0.125", "e = exp(x - max(x, axis=-1, keepdims=True))",
         "O = (e @ V) * reciprocal(sum(e, axis=-1, keepdims=True))"],
    ],
)  # fmt: skip
def test_ways_to_write_it_are_one_program(compute: str | list[str]) -> None:
    first = plan("O = attention(Q, K, V)", **SQUARE).program
    other = plan(compute, **SQUARE).program
    assert other.pattern == "attention"
    assert [kernel.body for kernel in other.kernels] == [kernel.body for kernel in first.kernels]
    assert [kernel.named_compile_time_args for kernel in other.kernels] == [
        kernel.named_compile_time_args for kernel in first.kernels
    ]


@pytest.mark.parametrize(
    "compute",
    [
        "O = attention(Q, K, V, causal=True)",
        "O = softmax(causal(Q @ K.mT * 0.125)) @ V",
        "O = softmax(causal(Q @ K.mT) * 0.125) @ V",
        "O = softmax(causal(Q @ K.mT) / 8) @ V",
    ],
)
def test_a_mask_may_come_before_what_leaves_it_alone(compute: str) -> None:
    first, other = (plan(text, **SQUARE).program for text in ("O = attention(Q, K, V, causal=True)", compute))
    assert [kernel.body for kernel in other.kernels] == [kernel.body for kernel in first.kernels]


@pytest.mark.parametrize(
    ("compute", "because"),
    [
        ("O = (tanh(Q @ K.mT) / sum(tanh(Q @ K.mT), axis=-1, keepdims=True)) @ V", "exp(x - max(x))"),
        (["S = Q @ K.mT", "O = exp(S - min(S, axis=-1, keepdims=True)) @ V"], "x - max(x)"),
        (["S = Q @ K.mT", "e = exp(S - max(S, axis=-1, keepdims=True))", "O = e @ V"], "divided by their sum"),
        (["S = Q @ K.mT", "P = softmax(S) * S", "O = P @ V"], "exp(x - max(x))"),
        (["S = Q @ K.mT", "e = exp(S - max(S, axis=-1, keepdims=True))",
          "O = (e @ V) / sum(e, axis=-1, keepdims=True) + e @ V"], "something else reads"),
        ("O = softmax(log(Q @ K.mT)) @ V", "finite"),
        ("O = softmax(Q @ K.mT + Q @ K.mT / 2) @ V", ""),
        ("O = softmax(Q @ K.mT * (K @ Q.mT)) @ V", "one product"),
    ],
)  # fmt: skip
def test_what_resembles_it_is_cut_into_stages_with_a_reason(compute: str | list[str], because: str) -> None:
    made = plan(compute, **SQUARE)
    if not because:
        assert made.program.pattern == "attention"
        return
    assert len(made.programs) > 1
    assert "attention" not in [program.pattern for program in made.programs]
    reasons = [item.because for item in made.decisions if item.name == "attention"]
    assert any(because in reason for reason in reasons), reasons


def test_a_second_output_keeps_it_in_stages() -> None:
    made = plan(["P = softmax(Q @ K.mT)", "O = P @ V"], P="2, 128, 128", **SQUARE)
    assert [program.pattern for program in made.programs] == ["matmul", "rowwise", "matmul"]


def test_what_it_reads_and_what_follows_are_programs_of_their_own() -> None:
    loaded = spec(
        "O = attention(Q @ W, K, V) + X", W="64, 64", X="2, 128, 64", **SQUARE
    )  # fmt: skip
    made = ttgen.plan(loaded)
    assert [program.pattern for program in made.programs] == ["matmul", "attention", "map"]
    agree(loaded, made)


def test_graphs_say_what_is_what() -> None:
    graph = graph_of(spec("O = softmax(causal(Q @ K.mT * 0.5)) @ V", **SQUARE))
    (found,) = found_in(graph).values()
    assert isinstance(found, Online)
    assert found.is_causal
    assert [found.scores, found.summed] == list(graph.contractions)
    (other,) = found_in(graph_of(spec(["P = softmax(Q @ K.mT)", "O = P @ V"], P="2, 128, 128", **SQUARE))).values()
    assert isinstance(other, Unlike)


# Counts: of no implementation, but of the algorithm.


@pytest.mark.parametrize(
    ("compute", "schedule", "shapes", "cores", "reads", "writes", "products"),
    [
        ("O = attention(Q, K, V)", "{block: {m: 8, k: 4}}", LONG, 64, 4_194_304 + 67_108_864, 4_194_304, 262_144),
        ("O = attention(Q, K, V, causal=True)", "{block: {m: 8, k: 4}}", LONG, 64, None, 4_194_304, 147_456),
        ("O = attention(Q, K, V)", "{policy: rectangular, multicast: both, block: {m: 8, k: 4}}", LONG, 64,
         4_194_304 + 8_388_608, 4_194_304, 262_144),
        # Each of eight cores a head reads its four tiles of queries.
        ("O = attention(Q, K, V)", "{split: 8, block: {k: 4}}", CACHE, 64, 16_777_216 + 64 * 4 * 2048, 8 * 4 * 2048,
         8 * 128 * 4 * 2),
    ],
)  # fmt: skip
def test_counts(
    compute: str, schedule: str, shapes: dict[str, str], cores: int, reads: int | None, writes: int, products: int
) -> None:
    program = plan(compute, schedule, **shapes).program
    assert program.work.cores == cores
    assert program.cost.tile_products == products
    assert program.cost.dram_write_bytes == writes
    if reads is not None:
        assert program.cost.dram_read_bytes == reads


def cycles(compute: str, schedule: str) -> tuple[float, float]:
    """What is predicted of 8 heads of 2048 queries, and the larger of what DRAM and computing take at least."""
    (made,) = candidates(spec(compute, schedule, **LONG))
    found = predict(made, load_target("n150"))
    return found.device_cycles, found.bound.least


def test_it_is_predicted_near_its_bound() -> None:
    found, bound = cycles("O = attention(Q, K, V)", "auto")
    assert bound <= found <= 1.4 * bound


def test_causal_attention_takes_little_more_than_half() -> None:
    causal, _bound = cycles("O = attention(Q, K, V, causal=True)", "auto")
    whole, _bound = cycles("O = attention(Q, K, V)", "auto")
    assert causal <= 0.65 * whole


def test_cores_have_as_many_keys_where_rows_come_from_both_ends() -> None:
    taken = {
        order: cycles("O = attention(Q, K, V, causal=True)", f"{{order: {order}, block: {{m: 4, k: 16}}}}")[0]
        for order in ("row_major", "zigzag")
    }
    assert taken["zigzag"] < 0.75 * taken["row_major"]


# Values.


def agree(loaded: LoadedSpec, made: Plan, **inputs: np.ndarray) -> None:
    generator = np.random.default_rng(0)
    for name in graph_of(loaded).inputs:
        inputs.setdefault(name, generator.standard_normal(loaded.shapes[name]))
    expected = evaluate(graph_of(loaded), inputs)
    for name, value in interpreter.run(made, inputs, poison=np.nan).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("queries", "keys", "depth", "causal"),
    [
        (63, 64, 64, False), (64, 50, 64, False), (40, 100, 40, False), (1, 1, 1, False), (600, 33, 256, False),
        (1, 600, 32, True), (33, 64, 64, True), (96, 97, 64, True), (64, 95, 64, True), (600, 600, 32, True),
    ],
)  # fmt: skip
def test_lengths(queries: int, keys: int, depth: int, causal: bool) -> None:
    loaded = spec(
        f"O = attention(Q, K, V, causal={causal})", "{block: {k: 1}}",
        Q=f"{queries}, {depth}", K=f"{keys}, {depth}", V=f"{keys}, 32", O=f"{queries}, 32",
    )  # fmt: skip
    made = ttgen.plan(loaded)
    # The softmax of one key is 1.
    assert [program.pattern for program in made.programs] == (["attention"] if keys > 1 else ["matmul"] * 2)
    agree(loaded, made)


def test_masks_that_leave_one_key() -> None:
    loaded = spec("O = softmax(Q @ K.mT + M) @ V", "{block: {m: 2, k: 2}}", M="70, 130", Q="70, 32", K="130, 32",
                  V="130, 32", O="70, 32")  # fmt: skip
    places = np.random.default_rng(1).integers(0, 130, (70, 1))
    agree(loaded, ttgen.plan(loaded), M=np.where(np.arange(130) == places, 0.0, -1e9))


@pytest.mark.parametrize("scale", [80.0, -80.0, 0.0, 1e4])
def test_scores_of_any_size(scale: float) -> None:
    loaded = spec(
        "O = softmax(Q @ K.mT) @ V", "{block: {m: 2, k: 1}}", Q="64, 32", K="160, 32", V="160, 32", O="64, 32"
    )
    keys = np.abs(np.random.default_rng(2).standard_normal((160, 32)))
    agree(loaded, ttgen.plan(loaded), Q=np.full((64, 32), scale / 32), K=keys)


# What is refused.


@pytest.mark.parametrize(
    ("compute", "schedule", "message"),
    [
        ("O = attention(Q, K)", "", "attention takes 3 operands"),
        ("O = attention(Q, K, V, mask=M)", "", "attention has no parameter 'mask'"),
        ("O = attention(Q, K, V, scale=Q)", "", "'scale' of attention is a number"),
        ("O = attention(Q, K, V, causal=1)", "", "'causal' is True or False"),
        ("O = attention(Q, K * 2, V)", "", "the keys of attention are a tensor"),
        ("O = causal(Q, K)", "", "causal takes 1 operand"),
        ("O = softmax(causal(Q @ K.mT) * -1) @ V", "", "'causal' masks the scores of an attention"),
        ("O = Q @ K.T @ V", "", "'.mT' swaps the last two"),
        ("O = attention(Q, K, V)", "{policy: rectangular, multicast: a}", "keys and values of an attention are shared"),
        ("O = attention(Q, K, V, causal=True)", "{policy: rectangular, multicast: both}", "cores that share keys"),
        ("O = attention(Q, K, V)", "{policy: rectangular, multicast: both, prefetch: true}", "aren't read ahead"),
        ("O = attention(Q, K, V)", "{keep: inputs}", "never whole"),
        ("O = attention(Q, K, V)", "{split: 2, block: {m: 2}}", "queries whose keys are in parts"),
        ("O = attention(Q, K, V)", "{split: 8}", "8 parts of a line, which has 4 tiles"),
        ("O = attention(Q, K, V)", "{policy: rectangular, order: zigzag}", "use row_major or column_major"),
        ("O = attention(Q, K, V)", "{block: {n: 2}}", "block.n 2 is larger than the work"),
    ],
)
def test_refusals(compute: str, schedule: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        plan(compute, schedule, **SQUARE)
    assert any(message in problem.message for problem in refused.value.problems), refused.value.problems


def test_rows_without_any_key_are_refused() -> None:
    with pytest.raises(SpecError, match="would leave nothing of the first 64 rows"):
        plan("O = attention(Q, K, V, causal=True)", Q="128, 64", K="64, 64", V="64, 64", O="128, 64")
