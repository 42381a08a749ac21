"""What a spec allows its kernel to take, and the changes that were tried where it takes more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, NamedTuple

from ttgen.dtypes import DTypeName
from ttgen.errors import Path, Problem, SpecError
from ttgen.model.plan import Plan
from ttgen.planner import kernel_size
from ttgen.planner.candidate import Candidate, Planned
from ttgen.source import Place
from ttgen.spec import Block, Budgets, LoadedSpec, Schedule
from ttgen.target import Target
from ttgen.target import load as load_target

Measured = Mapping[str, float]

_SHOWN: Final = 3
"""Fixes that a message has."""
_ENOUGH: Final = 2
"""Where as many are known, `schedule: auto`, which takes long, isn't tried."""
_WHAT: Final[Mapping[str, str]] = {
    "l1_bytes": "{:,.0f} bytes of L1", "dram_read_bytes": "{:,.0f} bytes read from DRAM",
    "dram_read_ratio": "{:.3g} times the inputs read from DRAM", "time_us": "{:.2f} us predicted",
    "kernel_bytes": "about {:,.0f} bytes of kernels", "balance": "a balance of {:.3g}",
}  # fmt: skip
_LIMITS: Final[Mapping[str, str]] = {
    "l1_bytes": "{:,.0f}", "dram_read_bytes": "{:,.0f}", "dram_read_ratio": "{:.3g}", "time_us": "{:.2f}",
    "kernel_bytes": "{:,.0f}", "balance": "{:.3g}",
}  # fmt: skip
_NARROWER: Final[Mapping[DTypeName, DTypeName]] = {
    "float32": "bfloat16", "bfloat16": "bfloat8_b", "bfloat8_b": "bfloat4_b",
}  # fmt: skip


class _Edit(NamedTuple):
    """A change of a spec: in words, what it makes of the spec, and whether values are rounded otherwise by it."""

    text: str
    loaded: LoadedSpec
    rounds: bool = False


class _Tried(NamedTuple):
    """A change, and what a kernel takes with it."""

    edit: _Edit
    after: Measured


def check(made: Planned, plan: Callable[[LoadedSpec], Planned]) -> None:
    """Refuses a spec that takes more than it says.

    Args:
        made: the spec, its plan, and how each stage is made.
        plan: makes the plan of another spec, or refuses it.

    Raises:
        SpecError: every budget that isn't met, with the changes of one thing that meet it.
    """
    said = {
        item.name: value
        for item in fields(Budgets)
        if (value := getattr(made.loaded.spec.budgets, item.name)) is not None
    }
    if not said:
        return
    measured = measure(made, said)
    missed = [name for name in said if not _is_met(name, measured, said)]
    if not missed:
        return
    tried = list(_tried(made, said, missed, plan))
    problems = []
    for name in missed:
        least = "at least" if name == "balance" else "at most"
        text = f"{_WHAT[name].format(measured[name])}; the budget is {least} {_LIMITS[name].format(said[name])}"
        problems.append(Problem(message=f"{text}; {_fixes(name, measured, said, tried)}", path=("budgets", name)))
    raise SpecError(problems)


def measure(made: Planned, wanted: Mapping[str, Any]) -> Measured:
    """What a plan takes, of what budgets may be about; a time only where one is wanted."""
    plan = made.plan
    target = load_target(plan.target.device)
    return {
        "l1_bytes": max(program.l1.bytes for program in plan.programs),
        "dram_read_bytes": plan.dram_read_bytes,
        "dram_read_ratio": plan.dram_read_ratio or 0.0,
        "kernel_bytes": max(kernel_size.largest(program.kernels, target).total for program in plan.programs),
        "balance": min(program.balance for program in plan.programs),
        **({"time_us": _time(made.programs, target)} if "time_us" in wanted else {}),
    }


def _time(candidates: Sequence[Candidate], target: Target) -> float:
    from ttgen.cost import predict

    return sum(predict(candidate, target).device_us for candidate in candidates)


def _is_met(name: str, measured: Measured, said: Mapping[str, float]) -> bool:
    # What is no number is never met.
    return measured[name] >= said[name] if name == "balance" else measured[name] <= said[name]


def _fixes(name: str, before: Measured, said: Mapping[str, float], tried: Sequence[_Tried]) -> str:
    """The changes that meet a budget: first what meets all, then what rounds nothing, then what saves most."""
    fitting = [fix for fix in tried if _is_met(name, fix.after, said)]
    if not fitting:
        return f"none of {len(tried)} changes of one thing that were tried meets it"

    def rank(fix: _Tried) -> tuple[bool, bool, float]:
        missed = any(not _is_met(other, fix.after, said) for other in said)
        return missed, fix.edit.rounds, -abs(before[name] - fix.after[name])

    def words(edit: _Edit, after: Measured) -> str:
        way = "gives" if name == "balance" else "saves"
        value = after[name] if name == "balance" else before[name] - after[name]
        others = [other for other in said if not _is_met(other, after, said)]
        misses = f" (and misses {others[0] if len(others) == 1 else f'{len(others)} others'})" if others else ""
        return f"{edit.text} {way} {_LIMITS[name].format(value)}{misses}"

    return ", or ".join(words(*fix) for fix in sorted(fitting, key=rank)[:_SHOWN])


def _tried(
    made: Planned, said: Mapping[str, float], missed: Sequence[str], plan: Callable[[LoadedSpec], Planned]
) -> Iterator[_Tried]:
    """What each change of one thing takes, of those that can be planned."""
    loaded = made.loaded
    known = 0

    def tried(edits: Iterator[_Edit]) -> Iterator[_Tried]:
        nonlocal known
        for edit in edits:
            try:
                after = measure(plan(edit.loaded), said)
            except SpecError:
                continue
            known += any(_is_met(name, after, said) for name in missed)
            yield _Tried(edit, after)

    yield from tried(_schedules(loaded, made.plan))
    yield from tried(_tensors(loaded))
    if known < _ENOUGH:
        yield from tried(_searched(loaded))


def _schedules(loaded: LoadedSpec, plan: Plan) -> Iterator[_Edit]:
    """Every schedule of the spec with one thing that is otherwise."""
    for path, schedule in _places(loaded):
        if not isinstance(schedule, Schedule):
            continue
        prefix = "" if path == ("schedule",) else f"{path[1]}: "

        def edit(text: str, given: Mapping[str, Any], *, path: Path = path, prefix: str = prefix) -> _Edit:
            return _Edit(f"{prefix}{text}", _with(loaded, path, given))

        block = schedule.block
        if isinstance(block, Block):
            for side in ("k", "n", "m"):
                size = getattr(block, side)
                for other in (size * 2, size * 4, size // 2, 1) if isinstance(size, int) else ():
                    if 0 < other != size:
                        yield edit(f"block.{side} {size} -> {other}", {"block": replace(block, **{side: other})})
            if isinstance(block.m, int) and isinstance(block.n, int):
                for factor in (2, 4):
                    larger = replace(block, m=block.m * factor, n=block.n * factor)
                    yield edit(f"block {block.m}x{block.n} -> {larger.m}x{larger.n}", {"block": larger})
        if schedule.multicast == "none":
            yield edit("policy rectangular with multicast both", {"policy": "rectangular", "multicast": "both"})
        for policy in ("contiguous", "rectangular"):
            if schedule.policy != policy and schedule.multicast == "none":
                yield edit(f"policy {policy}", {"policy": policy})
        if schedule.buffers != 1:
            yield edit(f"buffers {schedule.buffers} -> 1", {"buffers": 1})
        yield from _fewer_cores(plan, schedule, edit)


def _fewer_cores(plan: Plan, schedule: Schedule, edit: Callable[[str, Mapping[str, Any]], _Edit]) -> Iterator[_Edit]:
    """The largest number of cores that divides the units, where they are dealt in runs or in turn."""
    if (
        len(plan.programs) == 1
        and schedule.policy in ("contiguous", "strided")
        and isinstance(schedule.cores, int | None)
    ):
        work = plan.programs[0].work
        number = next(cores for cores in range(work.cores, 0, -1) if work.units % cores == 0)
        if number < work.cores:
            yield edit(f"cores {work.cores} -> {number}", {"cores": number})


def _tensors(loaded: LoadedSpec) -> Iterator[_Edit]:
    """Every tensor that is stored in fewer bytes, or in DRAM."""
    for name, tensor in loaded.spec.tensors.items():
        if narrower := _NARROWER.get(tensor.dtype):
            text = f"dtype of {name} {tensor.dtype} -> {narrower}, which rounds it,"
            yield _Edit(text, _with(loaded, ("tensors", name), {"dtype": narrower}), rounds=True)
        if tensor.layout not in ("dram_interleaved", "dram_sharded"):
            text = f"dram_interleaved for {name}"
            yield _Edit(text, _with(loaded, ("tensors", name), {"layout": "dram_interleaved"}))


def _searched(loaded: LoadedSpec) -> Iterator[_Edit]:
    if loaded.spec.schedule != "auto":
        yield _Edit("schedule: auto", replace(loaded, spec=replace(loaded.spec, schedule="auto")))


def _places(loaded: LoadedSpec) -> Iterator[tuple[Path, Any]]:
    """Every schedule of the spec, and where it stands."""
    yield ("schedule",), loaded.spec.schedule
    for name, stage in loaded.spec.stages.items():
        if stage.schedule is not None:
            yield ("stages", name, "schedule"), stage.schedule


def _with(loaded: LoadedSpec, path: Path, given: Mapping[str, Any]) -> LoadedSpec:
    """A spec that says something else in one place, and says so."""
    spec = loaded.spec
    match path:
        case ("schedule",):
            assert isinstance(spec.schedule, Schedule), "a schedule that is left open has no fields"
            spec = replace(spec, schedule=replace(spec.schedule, **given))
        case ("stages", str(name), "schedule"):
            stage = spec.stages[name]
            assert isinstance(stage.schedule, Schedule), "a schedule that is left open has no fields"
            stage = replace(stage, schedule=replace(stage.schedule, **given))
            spec = replace(spec, stages={**spec.stages, name: stage})
        case ("tensors", str(name)):
            spec = replace(spec, tensors={**spec.tensors, name: replace(spec.tensors[name], **given)})
        case _:
            raise KeyError(path)
    nowhere = Place(0, 0, 0, 0, None, "")
    places = {**loaded.source.places, path: nowhere, **{(*path, key): nowhere for key in given}}
    return replace(loaded, spec=spec, source=replace(loaded.source, places=places))
