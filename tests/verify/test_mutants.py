"""Every single-line fault of the table is caught, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter

import pytest

import ttgen
from tests.nights import one_in
from tests.sizes import smaller
from tests.verify.mutant import Mutant
from tests.verify.mutants import MUTANTS
from tests.verify.write_docs import DOCS, page
from ttgen.formula.values import Graph
from ttgen.model.plan import Plan
from ttgen.spec import LoadedSpec
from ttgen.verify.bounded import Bounded
from ttgen.verify.inputs import Inputs, Kind, draw
from ttgen.verify.programs import Checked
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import verify

# Findings without a statement: they are seen at the end, or by the host.
PLACELESS = {"wrong-numbers", "output-coverage", "uninitialised-data", "counters", "cb-not-drained", "host-error",
             "overlap", "kernel-compile-failed", "same-noc"}  # fmt: skip


@cache
def spec(name: str) -> tuple[LoadedSpec, Plan]:
    loaded = smaller(name)
    return loaded, ttgen.plan(loaded)


_DRAWN: dict[tuple[str, int, Kind], tuple[Inputs, Mapping[str, Bounded]] | None] = {}


def draw_once(
    plan: Plan, graph: Graph, programs: Sequence[Checked], *, seed: int, kind: Kind, given: Inputs
) -> tuple[Inputs, Mapping[str, Bounded]] | None:
    """The inputs of a spec and what is right for them, which no fault in a rendered text changes."""
    assert not given
    key = plan.kernel, seed, kind
    if key not in _DRAWN:
        _DRAWN[key] = draw(plan, graph, programs, seed=seed, kind=kind)
    return _DRAWN[key]


def called(mutant: Mutant) -> str:
    return f"{mutant.spec}-{mutant.what}".replace(" ", "-")


# Those of one spec one after another: most run in a process that has its plan, its inputs and what is right for them.
@pytest.mark.parametrize(
    "mutant", one_in(5, sorted(MUTANTS, key=attrgetter("spec")), name=called, kind=attrgetter("name"))
)
def test_mutant(builder: Builder, monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    monkeypatch.setattr("ttgen.verify.verify.draw", draw_once)
    files = mutant.files()
    verdict = verify(*spec(mutant.spec), builder, files=files, jobs=2)
    if verdict.passed:  # where nobody is late
        verdict = verify(*spec(mutant.spec), builder, files=files, orders=4, jobs=2)
    assert verdict.findings, "not caught"
    first = verdict.findings[0]
    assert first.name == mutant.name, verdict.findings
    if first.name not in PLACELESS:
        assert all((first.line, first.kernel, first.thread, first.core is not None)), first
        assert first.file.startswith("kernels/"), first


def test_the_page_shows_this_table_and_a_real_hang(builder: Builder) -> None:
    assert page(builder) == DOCS.read_text(encoding="utf-8")


def test_there_are_many() -> None:
    assert len(MUTANTS) >= 30
