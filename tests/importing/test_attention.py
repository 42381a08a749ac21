"""Attention over batches and heads: which layout is declared, what of heads that share keys, and the causal mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ttgen
from tests.importing.attention import attention
from ttgen.cli.main import main
from ttgen.errors import SpecError
from ttgen.importing.importer import Imported, import_text

SCALE = "0.1767767"


def imported(given: dict[str, Any] | None = None, **how: bool) -> Imported:
    return import_text(attention(**how), "kernel.py", None, given or {}, dtypes={})


def shapes(found: Imported) -> dict[str, tuple[int | str, ...]]:
    return {name: tensor.shape for name, tensor in ttgen.loads(found.text).spec.tensors.items()}


@pytest.mark.parametrize("causal", [False, True])
def test_batches_of_heads(causal: bool) -> None:
    found = imported(heads_first=True, causal=causal)
    scores = f"{SCALE} * (Q @ K.mT)"
    assert found.formulas == (f"O = softmax({f'causal({scores})' if causal else scores}) @ V",)
    assert shapes(found)["Q"] == ("batch", "heads", "seq", "dim")
    assert not found.warnings


@pytest.mark.parametrize("causal", [False, True])
def test_heads_after_the_sequence_are_brought_before_it(causal: bool) -> None:
    found = imported(heads_first=False, causal=causal)
    assert shapes(found)["Q"] == shapes(found)["O"] == ("batch", "heads", "seq", "dim")
    line = "# The source stores [batch, seq, heads, dim]: the caller brings dimensions to the order batch, heads, seq, dim."
    assert found.text.count(line) == 2


@pytest.mark.parametrize("heads_first", [False, True])
def test_heads_that_share_keys_are_two_axes(heads_first: bool) -> None:
    found = imported({"groups": 2}, heads_first=heads_first, causal=True)
    assert found.formulas == (f"O = softmax(causal({SCALE} * (Q @ K.mT))) @ V",)
    assert shapes(found)["Q"] == ("batch", 2, 2, "seq", "dim")
    assert shapes(found)["K"] == shapes(found)["V"] == ("batch", 2, 1, "seq", "dim")


def test_heads_that_all_share_keys() -> None:
    assert shapes(imported({"groups": 4}, heads_first=True))["K"] == ("batch", 1, "seq", "dim")


def test_the_logarithm_of_sums_beside_the_output() -> None:
    found = imported(heads_first=True, lse=True)
    assert [formula.split(" = ")[0] for formula in found.formulas] == ["O", "L"]
    assert shapes(found)["L"] == ("batch", "heads", "seq", 1)


def test_ragged_sequences_are_proven() -> None:
    found = imported({"seq": 100}, heads_first=True, causal=True)
    assert found.proof.is_ragged
    assert found.proof.holds


def test_one_head_is_a_matrix() -> None:
    found = imported({"batch": 1, "heads": 1}, heads_first=True)
    assert found.formulas == (f"O = softmax({SCALE} * (Q @ K.T)) @ V",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("bx * block + i >= n", "bx * block + i > n"),
        ("bx * block + i >= n", "bx * block + i + 1 >= n"),
        ("by // groups", "0"),
        ("T.ceildiv((bx + 1) * block, block)", "bx"),
        ("O[bz, by", "O[by, bz"),
        ("V[bz, by", "V[bz, bz"),
    ],
)
def test_faults_are_not_proven(before: str, after: str) -> None:
    text = attention(heads_first=True, causal=True)
    assert before in text
    with pytest.raises(SpecError):
        import_text(text.replace(before, after), "kernel.py", None, {"groups": 2}, dtypes={})


@pytest.mark.parametrize(
    ("groups", "causal"),
    [
        pytest.param(groups, causal, marks=[pytest.mark.exhaustive] * (causal is (groups == 1)))
        for groups in (1, 2)
        for causal in (False, True)
    ],
)
def test_attention_verifies_in_the_emulator(groups: int, causal: bool, tmp_path: Path) -> None:
    path = tmp_path / "attention.yaml"
    found = imported({"groups": groups, "batch": 1, "seq": 64}, heads_first=False, causal=causal)
    path.write_text(found.text)
    assert [program.pattern for program in ttgen.plan(ttgen.loads(found.text)).programs] == ["attention"]
    assert main(["verify", str(path)]) == 0
