"""How many times faster `schedule: auto` would be than what a spec asks for, by the cost model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ttgen.cost import predict
from ttgen.errors import SpecError
from ttgen.planner.candidate import Candidate
from ttgen.planner.resolve import candidates
from ttgen.spec import LoadedSpec
from ttgen.target import load, load_rates


def gain(loaded: LoadedSpec, programs: Sequence[Candidate], *, worth: float) -> float:
    """How many times faster a spec would be with `schedule: auto` for all its programs; at least 1.

    Where the bounds say that no schedule is so much faster that it is worth a word, nothing is searched, and it is 1.

    Args:
        loaded: the spec.
        programs: its programs, as it asks for them.
        worth: how many times faster is worth a word.
    """
    spec, target = loaded.spec, load(loaded.spec.target)
    if spec.schedule == "auto" and all(stage.schedule in (None, "auto") for stage in spec.stages.values()):
        return 1.0
    predicted = [predict(program, target) for program in programs]
    asked = sum(item.device_cycles for item in predicted)
    launch = load_rates(target.arch).launch
    if asked <= worth * sum(launch + item.bound.least for item in predicted):
        return 1.0
    stages = {name: replace(stage, schedule=None) for name, stage in spec.stages.items()}
    try:
        found = candidates(replace(loaded, spec=replace(spec, schedule="auto", stages=stages)))
    except SpecError:
        # Not every spec has a schedule that the search knows.
        return 1.0
    return max(1.0, asked / sum(predict(program, target).device_cycles for program in found))
