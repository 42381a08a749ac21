"""What a statement does is said once, and nothing passes over what it doesn't know."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import ttgen
from ttgen.analysis import counts, coverage, dst, interpreter, steps, tokens
from ttgen.analysis.network import Core
from ttgen.cost import loads
from ttgen.model.body import Body, Loop, children, indices
from ttgen.model.effects import effects
from ttgen.model.plan import Plan
from ttgen.patterns import configure
from ttgen.planner import arguments, kernel_size

# Every module that goes by effects.
WALKS = (counts, coverage, dst, interpreter, steps, loads, arguments, configure, kernel_size)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A statement that nobody has told `effects` of."""

    kind: ClassVar[str] = "unknown"


UNKNOWN: Any = Unknown()


def with_unknown() -> Plan:
    """The plan of gemm, with a statement in the units of the compute kernel that nothing knows."""
    plan = ttgen.plan(ttgen.load("specs/gemm.yaml"))
    reader, compute, writer = plan.program.kernels
    startup, init, loop = compute.body
    assert isinstance(loop, Loop)
    broken = replace(compute, body=(startup, init, replace(loop, body=(UNKNOWN, *loop.body))))
    return replace(plan, programs=(replace(plan.program, kernels=(reader, broken, writer)),))


PLAN = with_unknown()
BODY: Body = PLAN.program.kernels[1].body
BODIES = {kernel.name: kernel.body for kernel in PLAN.program.kernels}
VALUES = {name: value for kernel in PLAN.program.kernels for name, value in kernel.named_compile_time_args.items()}
RINGS = {buffer.name: buffer.pages for buffer in PLAN.program.circular_buffers}
CORES = [values for _core, values in PLAN.program.cores()]
INPUTS = {tensor.name: np.zeros(tensor.shape) for tensor in PLAN.tensors if tensor.role == "input"}
PAGES = {tensor.name: tensor.pages for tensor in PLAN.tensors}

USES: dict[str, Callable[[], object]] = {
    "effects": lambda: effects(UNKNOWN),
    "children": lambda: children(UNKNOWN),
    "indices": lambda: list(indices(UNKNOWN)),
    "counts": lambda: counts.count(BODY, {**VALUES, **CORES[0]}),
    "tokens": lambda: tokens.check([Core(place=(0, 0), values={**VALUES, **CORES[0]}, bodies=BODIES, rings=RINGS)]),
    "coverage": lambda: coverage.check(
        [coverage.Run(body=body, arguments=VALUES, cores=tuple(CORES)) for body in BODIES.values()], PAGES, RINGS, {}
    ),
    "dst": lambda: dst.check(BODY, VALUES, slots=4, bits=32, to_dst=(), exact=()),
    "interpreter": lambda: interpreter.run(PLAN, INPUTS),
    "configure": lambda: configure.configure(BODY[2:]),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_no_walk_passes_over_what_it_does_not_know(use: Callable[[], object]) -> None:
    with pytest.raises(AssertionError, match="not handled: Unknown"):
        use()


def test_a_kind_that_is_added_is_a_type_error_everywhere(tmp_path: Path) -> None:
    """A statement without effects, and an effect that a walk doesn't handle."""
    copy = tmp_path / "ttgen"
    shutil.copytree("ttgen", copy, ignore=shutil.ignore_patterns("__pycache__", "emulator"))
    added = {
        "body": ("\n\nControl = ", "\n\nclass Sleep:\n    kind: ClassVar[str] = 'sleep'\n\n\nControl = "),
        "effects": ("\n\nEffect = ", "\n\nclass Rest:\n    pass\n\n\nEffect = Rest | "),
    }
    for name, (old, new) in added.items():
        module = copy / "model" / f"{name}.py"
        text = module.read_text().replace("Action = (\n    Reserve", "Action = (\n    Sleep | Reserve")
        assert old in text
        module.write_text(text.replace(old, new))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "-p", "ttgen.planner",
               "-m", "ttgen.analysis.interpreter"]  # fmt: skip
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    errors = re.findall(
        r'^(ttgen/\S+\.py):\d+: error: Argument 1 to "assert_never" has incompatible type "(\w+)"', found, re.MULTILINE
    )
    walks = {f"{walk.__name__.replace('.', '/')}.py" for walk in WALKS}
    assert {path for path, kind in errors if kind == "Sleep"} == {"ttgen/model/body.py", "ttgen/model/effects.py"}, (
        found
    )
    assert {path for path, kind in errors if kind == "Rest"} == walks, found
