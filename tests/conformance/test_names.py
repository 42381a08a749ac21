"""Tensors named so that a name made from theirs is one of the device headers: kernels compile all the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ttgen
from tests.conformance.device_headers import Missing, find_toolchain, type_check_all
from tests.conformance.test_rendered import kernels_of
from ttgen.names import tensor_problem

pytestmark = pytest.mark.conformance

# What is made of a tensor's name: `cb_X`, `X_args`, `X_tensor`, `X_address`.
FORMS = re.compile(r"\b(?:cb_(\w+)|(\w+)_(?:args|tensor|address))\b")
MACRO = re.compile(r"^\s*#\s*define\s+(?:cb_\w+|\w+_(?:args|tensor|address))\b", re.MULTILINE)
INPUTS = 15


def names_in(root: Path) -> list[str]:
    """Every tensor's name from which a word of the headers is made, whatever the word is there."""
    found: set[str] = set()
    for path in sorted(root.rglob("*.h")):
        text = path.read_text(errors="replace")
        assert not MACRO.search(text), path
        found.update(buffer or other for buffer, other in FORMS.findall(text))
    # Fields of one block of registers are many, and all alike.
    return sorted(name for name in found if tensor_problem(name) is None and "_address_gen_" not in name)


@pytest.mark.parametrize("most", [INPUTS, pytest.param(10_000, marks=pytest.mark.exhaustive)])
def test_names_of_the_headers(most: int, subtests: pytest.Subtests) -> None:
    toolchain = find_toolchain()
    if isinstance(toolchain, Missing):
        pytest.skip(toolchain.reason)
    names = names_in(toolchain.headers_root / "tt_metal/hw/inc")
    # What kernels themselves call and could hide, before all others.
    called = ["get_tile", "kernel_compile_time"]
    assert set(called) <= set(names)
    names = [*called, *(name for name in names if name not in called)][:most]
    for first in range(0, len(names), INPUTS):
        some = names[first : first + INPUTS]
        tensors = "".join(f"  {name}: {{shape: [32, 32], dtype: bfloat16}}\n" for name in (*some, "Y"))
        text = f"kernel: k\ntensors:\n{tensors}compute: Y = {' + '.join(some)}\n"
        kernels = kernels_of(ttgen.plan(ttgen.loads(text)), "wormhole_b0")
        for report in type_check_all(kernels, toolchain):
            with subtests.test(" ".join(some)):
                assert report.passed, str(report)
