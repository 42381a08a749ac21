"""The proof: a kernel, run in NumPy as it says, has the value of the spec's formulas.

It is shown at the sizes that are asked for, and at three more: sizes that blocks divide, ragged ones, and one block.
Numbers of a formula are float32, so values agree as far as those do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from math import lcm
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ttgen.errors import SpecError
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.importing.form import Kernel
from ttgen.importing.interpreter import MAX_ELEMENTS, run
from ttgen.importing.text import refuse_at
from ttgen.importing.understanding import Understood, declared, elements
from ttgen.importing.views import shape_of
from ttgen.importing.work import Budget, TooMuchWork
from ttgen.loading import loads
from ttgen.records import dataclass

Array = NDArray[np.float64]
Kind = Literal["given", "whole", "ragged", "one"]

RELATIVE: Final = 1e-5
"""What numbers that are float32 may make of values, as a part of them and of the root mean square of their row."""
_SCALES: Final = (1.0, 1.0, 6.0, 30.0)
"""Of the rows of wide inputs. Ordinary ones are compared too: where a few values are large, others count for little."""
_LARGEST_BLOCK: Final = 4096
_HELD: Final = (96, 50, 32)
"""Sizes of dimensions that a block has all of: of the three cases."""
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?")

Read = Callable[[Mapping[str, Any]], Understood]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Sizes at which a kernel and its formulas are compared."""

    kind: Kind
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def text(self) -> str:
        """The sizes, as they are set."""
        return " ".join(f"{name}={size}" for name, size in self.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a comparison comes to.

    Attributes:
        case: the sizes.
        outcome: whether values agree; `refused` where the source doesn't take these sizes, `skipped` where that takes
            too long.
        reason: where they differ, or what the source says.
    """

    case: Case
    outcome: Literal["agrees", "differs", "refused", "skipped"]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """All comparisons of a kernel."""

    verdicts: tuple[Verdict, ...]
    is_ragged: bool

    def of(self, kind: Kind) -> Verdict | None:
        """The verdict on a kind of sizes."""
        return next((verdict for verdict in self.verdicts if verdict.case.kind == kind), None)

    @property
    def holds(self) -> bool:
        """Whether the formulas are proven at the sizes of the spec.

        Where those take too long, sizes of the same kind stand for them.
        """
        given = self.of("given")
        if given is not None and given.outcome in ("agrees", "differs", "refused"):
            return given.outcome == "agrees"
        needed: tuple[Kind, ...] = ("whole", "ragged") if self.is_ragged else ("whole",)
        found = [self.of(kind) for kind in needed]
        return all(verdict is not None and verdict.outcome == "agrees" for verdict in found)

    @property
    def failure(self) -> str:
        """Why it doesn't hold."""
        for outcome in ("differs", "skipped", "refused"):
            for verdict in self.verdicts:
                if verdict.outcome == outcome:
                    return verdict.reason or "the kernel takes too long to run at these sizes: set smaller ones"
        return "nothing was compared"


def prove(understood: Understood, read: Read, given: Mapping[str, Any], budget: Budget) -> Proof:
    """Compares a kernel with its formulas at its own sizes and at three others.

    Args:
        understood: the kernel at its own sizes, and its formulas.
        read: reads the kernel at other sizes.
        given: what is set.
        budget: what all runs may take.
    """
    kernel = understood.kernel
    own = _varied(kernel)
    verdicts = [_compare(understood, Case(kind="given", sizes=own), budget)]
    blocks = _blocks(understood, read, given)
    is_ragged = any(size % blocks[name][0] for name, size in own if name in blocks and blocks[name][1] == "blocked")
    for case in _cases(own, blocks):
        if any(set(case.sizes) == set(verdict.case.sizes) for verdict in verdicts):
            continue
        # There may have to be as many heads as there are, or as many keys as queries.
        one_by_one = {name: size for name, size in own if blocks[name][1] == "single"}
        even = {name: 2 * blocks[name][0] for name, _size in own if blocks[name][1] == "blocked"}
        tried = [_at(case, understood, read, given, budget)]
        for others in (one_by_one, *((even, one_by_one | even) if case.kind == "whole" else ())):
            if others and tried[-1].outcome == "refused":
                other = Case(kind=case.kind, sizes=tuple((dict(case.sizes) | others).items()))
                tried.append(_at(other, understood, read, given, budget))
        verdict = tried[0] if tried[-1].outcome == "refused" else tried[-1]
        verdicts.append(verdict)
    return Proof(verdicts=tuple(verdicts), is_ragged=is_ragged)


def differing(understood: Understood, read: Read, given: Mapping[str, Any], budget: Budget) -> list[Verdict]:
    """The sizes that are wrong when they are ragged: each on its own, with the others whole."""
    kernel = understood.kernel
    own = _varied(kernel)
    blocks = _blocks(understood, read, given)
    whole, ragged, _one = (dict(case.sizes) for case in _cases(own, blocks))
    found = []
    for name in whole:
        if whole[name] != ragged[name]:
            case = Case(kind="ragged", sizes=tuple((whole | {name: ragged[name]}).items()))
            verdict = _at(case, understood, read, given, budget)
            if verdict.outcome == "differs":
                found.append(Verdict(case=Case(kind="ragged", sizes=((name, ragged[name]),)), outcome="differs",
                                     reason=verdict.reason))  # fmt: skip
    return found


def _varied(kernel: Kernel) -> tuple[tuple[str, int], ...]:
    """The sizes of tensors that can be chosen."""
    chosen = {name for tensor in kernel.tensors for name in tensor.dims if name in kernel.settable}
    return tuple((name, size) for name, size in kernel.sizes.items() if name in chosen)


def _at(case: Case, understood: Understood, read: Read, given: Mapping[str, Any], budget: Budget) -> Verdict:
    """The verdict on some sizes."""
    try:
        other = read({**given, **dict(case.sizes)})
        verdict = _compare(other, case, budget)
    except SpecError as error:
        return Verdict(case=case, outcome="refused", reason=error.problems[0].message)
    if verdict.outcome == "agrees" and _worded(other) != _worded(understood):
        return Verdict(case=case, outcome="refused", reason=f"there the kernel computes `{_text(other)}`")
    return verdict


def _text(understood: Understood) -> str:
    return "; ".join(f"{formula.target} = {formula.text}" for formula in understood.formulas)


def _worded(understood: Understood) -> str:
    """Formulas without their numbers, which may depend on sizes."""
    return _NUMBER.sub("#", _text(understood))


def _blocks(understood: Understood, read: Read, given: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """How the kernel goes through each size: by blocks of so many, all of it at once, or one by one."""
    kernel = understood.kernel
    varied = _varied(kernel)
    doubled = {name: 2 * size for name, size in varied}
    try:
        # What a block has all of grows along.
        other = read({**given, **doubled})
    except SpecError:
        other = understood
    found: dict[str, tuple[int, str]] = {}
    for name, size in varied:
        extents = {
            walked.extent
            for walked in other.lifted.walked
            if other.kernel.buffers[walked.tensor].dims[walked.dimension] == name
        }
        full = other.kernel.sizes[name]
        cut = sorted(extent for extent in extents if extent not in (1, full))
        if other is understood and not cut and extents - {1}:
            cut = [size]
        if cut:
            together = lcm(*cut)
            found[name] = (together if together <= _LARGEST_BLOCK else max(cut), "blocked")
        elif full in extents and full != 1:
            found[name] = (size, "held")
        else:
            found[name] = (1, "single")
    return found


def _cases(own: tuple[tuple[str, int], ...], blocks: Mapping[str, tuple[int, str]]) -> Iterator[Case]:
    """Sizes that blocks divide, ragged ones, and one block."""
    kinds: tuple[Kind, ...] = ("whole", "ragged", "one")
    if not own:
        return
    for number, kind in enumerate(kinds):
        sizes = []
        for position, (name, size) in enumerate(own):
            block, how = blocks[name]
            if how == "blocked":
                # Different numbers of blocks, so that one direction can't be taken for another.
                chosen = (block * (2 + position % 3), block + block * 9 // 16, block)[number]
            elif how == "held":
                chosen = min(size, _HELD[number]) if size > _HELD[0] else size
            else:
                chosen = min(size, 2)
            sizes.append((name, chosen))
        yield Case(kind=kind, sizes=tuple(sizes))


def formula_text(understood: Understood) -> str:
    """A spec of no more than tensors and formulas, with shapes in numbers."""
    lines = ["kernel: proof", "tensors:"]
    for tensor, view in understood.views.items():
        shape = ", ".join(map(str, shape_of(view)))
        lines.append(f"  {understood.names[tensor]}: {{shape: [{shape}], dtype: float32}}")
    lines.append("compute:")
    lines += [f"  - {understood.names[formula.target]} = {formula.text}" for formula in understood.formulas]
    return "\n".join(lines) + "\n"


def _compare(understood: Understood, case: Case, budget: Budget) -> Verdict:
    """Runs both on ordinary numbers and wide ones; where they give no numbers, such as roots, on positive ones too."""
    kernel = understood.kernel
    try:
        graph = graph_of(loads(formula_text(understood), name="spec.yaml"))
    except SpecError as error:
        reason = error.problems[0].message
        raise refuse_at(f"`{_text(understood)}` is what it seems to compute: {reason}", kernel.at) from None
    generator = np.random.default_rng(19)
    if elements(kernel) > MAX_ELEMENTS:
        return Verdict(case=case, outcome="skipped")
    are_numbers = True
    for inputs in ("ordinary", "wide", "positive"):
        if inputs == "positive":
            if are_numbers:
                break
            are_numbers = True
        tensors = {name: _random(generator, kernel.buffers[name].shape, inputs) for name in understood.inputs}
        try:
            found = run(kernel, tensors, understood.outputs, budget)
        except TooMuchWork:
            return Verdict(case=case, outcome="skipped")
        except SpecError as error:
            return Verdict(case=case, outcome="differs", reason=error.problems[0].message)
        spelt = {understood.names[name]: declared(value, understood.views[name]) for name, value in tensors.items()}
        expected = evaluate(graph, spelt)
        for output in understood.outputs:
            one = declared(found[output], understood.views[output])
            name = understood.names[output]
            difference = _difference(one, expected[name], name)
            if difference:
                return Verdict(case=case, outcome="differs", reason=difference)
            are_numbers &= bool(np.all(np.isfinite(one)))
    if not are_numbers:
        return Verdict(case=case, outcome="differs", reason="some values are no numbers, so that too little is shown")
    return Verdict(case=case, outcome="agrees")


def _random(generator: np.random.Generator, shape: tuple[int, ...], inputs: str) -> Array:
    values = generator.standard_normal(shape)
    if inputs == "wide":
        rows = generator.choice(_SCALES, shape[0])
        values = values * rows.reshape(-1, *(1 for _size in shape[1:]))
    return np.abs(values) + 0.1 if inputs == "positive" else values


def _difference(found: Array, expected: Array, name: str) -> str:
    """Where values differ first, and how; nothing if they don't."""
    with np.errstate(all="ignore"):
        finite = np.where(np.isfinite(expected), expected, 0)
        scale = np.sqrt(np.mean(finite * finite, axis=-1, keepdims=True))
        near = np.abs(found - expected) <= RELATIVE * (np.abs(expected) + scale)
        same = near | (found == expected) | (np.isnan(found) & np.isnan(expected))
    if np.all(same):
        return ""
    place = tuple(int(index[0]) for index in np.nonzero(~same))
    where = ", ".join(map(str, place))
    share = np.count_nonzero(~same)
    given = float(found[place])
    if np.isnan(given):
        return (
            f"{name}[{where}] is never written, or comes of what is never written ({share:,} of {same.size:,} elements)"
        )
    text = f"{name}[{where}] is {given:.4g} by the kernel and {float(expected[place]):.4g} by the formula"
    return f"{text} ({share:,} of {same.size:,} elements differ)"
