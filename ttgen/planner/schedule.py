"""The schedule of a stage: what was said, or defaults, with nothing left to choose."""

from __future__ import annotations

from collections.abc import Iterator

from ttgen.errors import Problem, SpecError, counted, refuse
from ttgen.formula.online import Online, attention_of
from ttgen.model.plan import BlockSize, Origin
from ttgen.model.schedule import Decided, Order, Schedule
from ttgen.planner.policies import POLICIES
from ttgen.planner.stages import Stage
from ttgen.spec import Block, BlockLinear, PolicyName, Shared
from ttgen.spec import Schedule as ScheduleSpec


def schedule_of(stage: Stage, limits: BlockSize) -> Schedule:
    """The schedule of a stage, with nothing left to choose.

    Args:
        stage: the stage.
        limits: the largest block that its formula has.

    Raises:
        SpecError: blocks that can't be, or what no cores could share.
    """
    problems = [*_panels(stage, limits)]
    if problems:
        raise SpecError(problems)
    schedule = stage.schedule
    if isinstance(schedule, ScheduleSpec) and isinstance(schedule.block, Block):
        _check_block(stage, schedule.block, limits)
    problems = [*_unshared(stage)]
    if (
        problems
        or not isinstance(schedule, ScheduleSpec)
        or schedule.policy == "auto"
        or schedule.order == "auto"
        or schedule.cores == "auto"
        or schedule.block == "auto"
        or schedule.multicast == "auto"
        or schedule.prefetch == "auto"
        or schedule.split == "auto"
        or schedule.buffers == "auto"
    ):
        raise SpecError(problems)
    sides = (schedule.block.m, schedule.block.n, schedule.block.k)
    # What is said for all stages is of no use to one with less work: it takes what it has.
    most = (limits.m, limits.n, limits.k) if stage.shares_schedule else (max(map(int, sides)),) * 3
    m, n, k = (min(side, max(limit, 1)) for side, limit in zip(map(int, sides), most, strict=True))

    # Parts of K are whole steps.
    split = min(schedule.split, max(-(-limits.k // k), 1)) if stage.shares_schedule else schedule.split

    def origin(name: str) -> Origin:
        return "spec" if stage.gives(name) else "default"

    policy, cores = schedule.policy, schedule.cores
    return Schedule(
        policy=Decided(value=policy, origin=origin("policy"), because=POLICIES[policy].meaning),
        order=_order(stage, schedule.order, policy),
        cores=Decided(value=cores, origin=origin("cores"), because=""),
        block=Decided(
            value=BlockSize(m=m, n=n, k=k),
            origin=origin("block"),
            because="of the block of all stages, what there is work for" if (m, n, k) != sides else "",
        ),
        multicast=Decided(value=_multicast(stage, schedule.multicast), origin=origin("multicast"), because=""),
        prefetch=Decided(value=schedule.prefetch, origin=origin("prefetch"), because=""),
        split=Decided(value=split, origin=origin("split"), because=""),
        buffers=Decided(value=schedule.buffers, origin=origin("buffers"), because=""),
        keep=Decided(value=schedule.keep, origin=origin("keep"), because=""),
    )


def _order(stage: Stage, order: Order, policy: PolicyName) -> Decided[Order]:
    """How units are numbered: where nothing is said, so that cores have as much of a triangle."""
    found = attention_of(stage.graph)
    if stage.gives("order") or found is None or not found.is_causal or policy == "rectangular":
        return Decided(value=order, origin="spec" if stage.gives("order") else "default", because=_numbering(order))
    because = f"later queries have more keys: {_numbering('zigzag')}"
    return Decided(value="zigzag", origin="rule", because=because)


def _multicast(stage: Stage, shared: Shared) -> Shared:
    """What cores share: of a schedule of several stages what is of use to this one."""
    online = attention_of(stage.graph)
    if not stage.graph.contractions or (online is not None and (online.is_causal or shared != "both")):
        return "none"
    return shared


def _numbering(order: Order) -> str:
    """How units follow each other."""
    if order == "zigzag":
        return "rows of units from both ends in turn"
    if isinstance(order, BlockLinear):
        return f"panels {order.block_linear} unit columns wide, row by row inside a panel"
    return f"consecutive units are neighbours in a {'row' if order == 'row_major' else 'column'}"


def _panels(stage: Stage, limits: BlockSize) -> Iterator[Problem]:
    """Panels with more units than a kernel can count."""
    schedule = stage.schedule
    order = schedule.order if isinstance(schedule, ScheduleSpec) else None
    if isinstance(order, BlockLinear) and order.block_linear * limits.m >= 2**32:
        text = f"a panel's units don't fit 32 bits; the output has {limits.n} columns of tiles"
        yield _problem(stage, text, "order", "block_linear")


def _unshared(stage: Stage) -> Iterator[Problem]:
    """What no cores could share: operands, or the sum over K."""
    schedule = stage.schedule
    if not isinstance(schedule, ScheduleSpec):
        return
    wanted = {"multicast": ("none", "auto"), "split": (1, "auto")}
    for field in (field for field, alone in wanted.items() if getattr(schedule, field) not in alone):
        if field == "split" and stage.graph.reduced is not None:
            continue
        if not stage.graph.contractions:
            if not stage.shares_schedule:
                yield _problem(stage, "there is no contraction whose work cores could share: leave it out", field)
        elif schedule.policy not in ("rectangular", "auto"):
            text = f"cores that share work are rows and columns of a rectangle, which policy {schedule.policy} hasn't"
            yield _problem(stage, f"{text}: use policy rectangular", field)
    if schedule.keep != "auto" and stage.graph.reduced is None and not stage.shares_schedule:
        yield _problem(stage, "there is no reduction, and so one walk only: leave it out", "keep")
    online = attention_of(stage.graph)
    if online is not None and not stage.shares_schedule:
        yield from _of_attention(stage, schedule, online)
    if schedule.prefetch is True and schedule.multicast == "none" and not stage.shares_schedule:
        text = "only operands that cores share are read ahead: say which in 'multicast', or leave it out"
        yield _problem(stage, text, "prefetch")


def _of_attention(stage: Stage, schedule: ScheduleSpec, online: Online) -> Iterator[Problem]:
    """What cores of an attention can't share, and what they never keep."""
    if schedule.multicast in ("a", "b"):
        text = f"keys and values of an attention are shared together: use both, not {schedule.multicast}"
        yield _problem(stage, text, "multicast")
    elif schedule.multicast == "both" and online.is_causal:
        text = "cores that share keys need the same ones, and in a causal attention later queries have more of them"
        yield _problem(stage, f"{text}: leave it out", "multicast")
    if schedule.prefetch is True and schedule.multicast != "none":
        text = "keys and values of an attention aren't read ahead, but come while others are computed with"
        yield _problem(stage, f"{text}: leave it out", "prefetch")
    if schedule.keep != "auto":
        yield _problem(
            stage, "scores of an attention are never whole, and nothing of them is kept: leave it out", "keep"
        )


def _problem(stage: Stage, message: str, *path: str) -> Problem:
    return Problem(message=message, path=(*stage.path, *path))


def _check_block(stage: Stage, block: Block, limits: BlockSize) -> None:
    """Refuses a block larger than the output, where it is said for this stage alone."""
    if stage.shares_schedule:
        return
    sides = {
        "m": (block.m, limits.m, "rows"),
        "n": (block.n, limits.n, "columns"),
        "k": (block.k, limits.k, "tiles of K"),
    }
    for side, (given, most, what) in sides.items():
        if isinstance(given, int) and given > max(most, 1):
            fits = f"the contraction has {most} {what}" if side == "k" else f"the output has {most} {what} of tiles"
            if stage.graph.reduced is not None:
                fits = _lines(stage.graph.along, side, most)
            fits = fits if most else "there is no contraction"
            raise refuse(f"block.{side} {given} is larger than the work: {fits}", *stage.path, "block", side)


def _lines(along: int | None, side: str, most: int) -> str:
    """What there is of lines, which go along a dimension, counted from the last."""
    if side == "k":
        return f"a line has {counted(most, 'tile')}"
    if (along, side) in ((0, "n"), (1, "m")):
        return "units have whole lines; block.k is what of them a step has"
    return f"there {'is' if most == 1 else 'are'} {counted(most, 'line')} of tiles"
