"""Nothing is imported as proven that computes something else than its formula."""

from __future__ import annotations

from typing import Any

import pytest

from tests.importing.faults import FAULTS, faulty
from ttgen.errors import SpecError
from ttgen.importing.importer import import_text


@pytest.mark.parametrize(
    ("kernel", "given", "before", "after"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_fault_is_not_proven(kernel: str, given: dict[str, Any], before: str, after: str) -> None:
    with pytest.raises(SpecError) as caught:
        import_text(faulty(kernel, before, after), "kernel.py", None, given, dtypes={})
    (place,) = caught.value.places
    assert place.file == "kernel.py"
    assert place.text.strip()


def test_there_are_many_faults_each_with_a_name_of_its_own() -> None:
    assert len({row[0] for row in FAULTS}) == len(FAULTS) >= 30


def test_what_is_not_proven_is_written_on_demand_and_marked() -> None:
    text = faulty("linear", "T.Pipelined(T.ceildiv(K, bk)", "T.Pipelined(K // bk")
    given = {"M": 1000, "K": 500, "N": 700}
    imported = import_text(text, "kernel.py", None, given, dtypes={}, unproven=True)
    assert not imported.proof.holds
    assert "# UNPROVEN: Y[0, 0] is" in imported.text
    assert "# Proven" not in imported.text


def test_a_source_that_is_wrong_at_edges_alone_is_imported_with_a_warning() -> None:
    imported = import_text(faulty("flash", "", ""), "kernel.py", None, {}, dtypes={})
    assert imported.proof.holds
    (warning,) = imported.warnings
    assert warning.text.startswith("the source differs from the formula at S=100: O[0, 0] is ")
    assert "# Beware: the source differs from the formula at S=100" in imported.text
