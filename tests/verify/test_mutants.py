"""Every single-line fault of the table is caught, by its name."""

from __future__ import annotations

import pytest

import ttgen
from tests.verify.mutants import MUTANTS, SPECS, Mutant
from tests.verify.write_docs import DOCS, page
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import verify

# Findings without a statement: they are seen at the end, or by the host.
PLACELESS = {"wrong-numbers", "output-coverage", "uninitialised-data", "counters", "cb-not-drained", "host-error",
             "overlap", "kernel-compile-failed"}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.spec}-{mutant.what}".replace(" ", "-"))
def test_mutant(builder: Builder, mutant: Mutant) -> None:
    loaded = ttgen.load(SPECS / f"{mutant.spec}.yaml")
    verdict = verify(loaded, ttgen.plan(loaded), builder, files=mutant.files(), jobs=2)
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
