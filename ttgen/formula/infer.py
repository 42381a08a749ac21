"""Syntax to a typed graph: names resolved, shapes inferred by NumPy's rules and checked against what is declared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal

from ttgen.dtypes import DTypeName
from ttgen.errors import Path, Problem, SpecError, refuse, suggest
from ttgen.formula.axes import with_axes
from ttgen.formula.functions import PLACED
from ttgen.formula.parse import MAX_DEPTH, parse, to_float32
from ttgen.formula.reductions import COMPOSED, Kind
from ttgen.formula.syntax import (
    Apply,
    Assignment,
    Attention,
    Name,
    Number,
    Reduce,
    Span,
    Syntax,
    Transpose,
    no_matrix,
    written_out,
)
from ttgen.formula.used import used
from ttgen.formula.values import Contraction, Elementwise, Graph, Input, Output, Reduction, Shape, Value
from ttgen.formula.values import Number as NumberValue
from ttgen.formula.values import Span as ValueSpan
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec


def graph_of(loaded: LoadedSpec) -> Graph:
    """The graph of a spec's formulas.

    Raises:
        SpecError: all formulas that don't parse, or else the first mistake of each that does.
    """
    spec = loaded.spec
    problems: list[Problem] = []
    assignments: list[tuple[int, Assignment]] = []
    broken: set[str] = set()
    for index, text in enumerate(spec.formulas):
        try:
            assignments.append((index, parse(text, spec.formula_path(index))))
        except SpecError as error:
            problems.extend(error.problems)
            # The name that it would have assigned is of unknown shape, and says nothing more.
            broken.add(text.split("=")[0].strip())
    targets = {assignment.target for _index, assignment in assignments}
    dtypes = {name: tensor.dtype for name, tensor in spec.tensors.items()}
    builder = _Builder(
        shapes=loaded.shapes, dtypes=dtypes, computed=accumulation(loaded), targets=targets, broken=broken
    )
    for index, assignment in assignments:
        try:
            builder.assign(index, assignment, spec.formula_path(index))
        except SpecError as error:
            problems.extend(error.problems)
            # Later formulas may use the name: its value is then of unknown shape, and says nothing more.
            builder.broken.add(assignment.target)
    if not problems:
        problems.extend(_unused(loaded, builder))
    if problems:
        raise SpecError(problems)
    assigned = tuple(Output(tensor=name, value=value) for name, value in builder.values.items())
    return with_axes(*used(builder.nodes, tuple(builder.outputs), assigned))


def accumulation(loaded: LoadedSpec) -> Literal["float32", "bfloat16"]:
    """What DST holds: as asked, but float32 wherever a tensor is, declared or scratch."""
    asked = loaded.spec.precision.accumulate
    dtypes = {tensor.dtype for tensor in loaded.spec.tensors.values()}
    dtypes_between = {stage.dtype for stage in loaded.spec.stages.values()}
    wide = "float32" in dtypes | dtypes_between
    return "float32" if wide else asked


def infer_outputs(formula: str, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shape of the value that one formula assigns, by its name, from the shapes of what it reads.

    Raises:
        SpecError: the formula's mistake.
    """
    assignment = parse(formula, ())
    dtypes: dict[str, DTypeName] = dict.fromkeys(shapes, "float32")
    builder = _Builder(shapes=shapes, dtypes=dtypes, computed="float32", targets={assignment.target})
    if assignment.target in shapes:
        raise refuse(f"the shape of '{assignment.target}' follows from the formula", span=assignment.target_span)
    builder.assign(0, assignment, ())
    unused = [name for name in shapes if name not in builder.read]
    if unused:
        raise refuse(f"the formula doesn't read '{unused[0]}'")
    return {assignment.target: builder.nodes[builder.values[assignment.target]].shape}


def _unused(loaded: LoadedSpec, builder: _Builder) -> list[Problem]:
    problems = []
    read = builder.read
    written = {output.tensor for output in builder.outputs}
    for name in loaded.spec.tensors:
        if name not in read | written:
            text = f"tensor '{name}' is neither read nor written by a formula: remove it, or use it"
            problems.append(Problem(message=text, path=("tensors", name), at_key=True))
    if not written:
        last = len(loaded.spec.formulas) - 1
        text = f"no formula assigns to a declared tensor: declare '{list(builder.values)[-1]}' under 'tensors'"
        problems.append(Problem(message=text, path=loaded.spec.formula_path(last)))
    taken = {operand for node in builder.nodes for operand in node.operands} | {out.value for out in builder.outputs}
    for name, (index, span) in builder.places.items():
        if builder.values[name] not in taken:
            text = f"'{name}' is assigned and never used: remove it, or declare it under 'tensors'"
            problems.append(Problem(message=text, path=loaded.spec.formula_path(index), span=span))
    return problems


@dataclass(slots=True, kw_only=True)
class _Builder:
    """The graph while it grows: mutable inside this module only."""

    shapes: Mapping[str, Shape]
    dtypes: Mapping[str, DTypeName]
    computed: DTypeName
    targets: set[str]
    nodes: list[Value] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    known: dict[tuple[object, ...], int] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    values: dict[str, int] = field(default_factory=dict)
    places: dict[str, tuple[int, Span]] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def assign(self, index: int, assignment: Assignment, path: Path) -> None:
        name = assignment.target
        if name in self.values:
            raise refuse(f"'{name}' is assigned twice", *path, span=assignment.target_span)
        if name in self.read:
            raise refuse(f"'{name}' is read before it is assigned", *path, span=assignment.target_span)
        formula = _Formula(self, index, path, name)
        node = formula.value(assignment.value)
        self.values[name] = node
        if name in self.shapes:
            shape = self.nodes[node].shape
            if not shape:
                raise refuse(
                    f"'{name}' would be a constant: a formula reads a tensor", *path, span=assignment.target_span
                )
            if shape != self.shapes[name]:
                raise refuse(
                    f"the formula's shape is {_text(shape)}, but '{name}' is declared {_text(self.shapes[name])}",
                    *path,
                    span=assignment.target_span,
                )
            self.outputs.append(Output(tensor=name, value=node))
        else:
            self.places[name] = (index, assignment.target_span)

    def add(self, value: Value, path: Path, key: tuple[object, ...] = ()) -> int:
        """The index of a value: of the one that is there already, if its key is."""
        key = key or (replace(value, span=(0, 0, 0)),)
        if key not in self.known:
            depth = 1 + max((self.depths[operand] for operand in value.operands), default=0)
            if depth > MAX_DEPTH:
                message = f"operations nest deeper than {MAX_DEPTH} levels over all formulas: write a part to a tensor"
                raise refuse(message, *path, span=value.span[1:])
            self.depths.append(depth)
            self.known[key] = len(self.nodes)
            self.nodes.append(value)
        return self.known[key]


@dataclass(frozen=True, slots=True)
class _Formula:
    builder: _Builder
    index: int
    path: Path
    target: str

    def refuse(self, message: str, span: Span) -> SpecError:
        return refuse(message, *self.path, span=span)

    def value(self, syntax: Syntax) -> int:
        match syntax:
            case Number(value=value, span=span):
                return self.builder.add(NumberValue(number=value, span=(self.index, *span)), self.path)
            case Name():
                known = self.name(syntax)
                return self.builder.add(known, self.path) if isinstance(known, Input) else known
            case Transpose(batched=batched, span=span):
                raise self.refuse(f"'.{'mT' if batched else 'T'}' belongs on an operand of '@'", span)
            case Apply(kind="matmul"):
                return self.contraction(syntax)
            case Apply():
                operands = tuple(self.value(operand) for operand in syntax.operands)
                return self.elementwise(syntax.kind, operands, (self.index, *syntax.span), syntax.parameters)
            case Reduce():
                return self.reduce(syntax)
            case Attention():
                return self.attention(syntax)

    def attention(self, syntax: Attention) -> int:
        """Attention as it would be written out; its scale is one over the root of the size of queries."""
        scale = syntax.scale
        if scale is None:
            shape = self.builder.nodes[self.value(syntax.queries)].shape
            scale = 1 / math.sqrt(shape[-1]) if shape else 1.0
        return self.value(written_out(syntax, to_float32(scale)))

    def elementwise(
        self, function: str, operands: tuple[int, ...], span: ValueSpan, parameters: tuple[float, ...] = ()
    ) -> int:
        """An operation of values, broadcast."""
        shape = self.broadcast([self.builder.nodes[operand].shape for operand in operands], span[1:])
        if (masked := self.masked(function, operands, shape)) is not None:
            inner = self.elementwise(function, masked, span)
            return self.elementwise("causal", (inner,), span)
        if function in PLACED:
            self.check_places(function, shape, span[1:])
        value = Elementwise(
            function=function, operands=operands, parameters=parameters, dtype=self.builder.computed, shape=shape,
            span=span,
        )  # fmt: skip
        return self.builder.add(value, self.path)

    def masked(self, function: str, operands: tuple[int, ...], shape: Shape) -> tuple[int, ...] | None:
        """The operands without a mask that may as well come last: scaled or shifted, -inf stays what it is."""
        for place, operand in enumerate(operands):
            value = self.builder.nodes[operand]
            if not isinstance(value, Elementwise) or value.function != "causal" or value.shape != shape:
                continue
            other = self.builder.nodes[operands[1 - place]] if len(operands) == 2 else value
            first = place == 0 or function in ("add", "mul")
            shifts = function in ("add", "sub") and isinstance(other, Input | NumberValue)
            scales = function in ("mul", "div") and isinstance(other, NumberValue) and other.number > 0
            if first and (shifts or scales):
                return (*operands[:place], value.operands[0], *operands[place + 1 :])
        return None

    def check_places(self, function: str, shape: Shape, span: Span) -> None:
        """Refuses a mask of what has no rows and columns, or rows of which nothing would be left."""
        if len(shape) < 2:
            raise self.refuse(f"'{function}' goes by rows and columns, and {_text(shape)} has none", span)
        if shape[-2] > shape[-1]:
            text = f"'{function}' of {_text(shape)} would leave nothing of the first {shape[-2] - shape[-1]} rows"
            raise self.refuse(f"{text}: have at most as many rows as columns", span)

    def number(self, value: float, span: ValueSpan) -> int:
        """A number."""
        return self.builder.add(NumberValue(number=to_float32(value), span=span), self.path)

    def reduce(self, syntax: Reduce) -> int:
        """A reduction along one axis after the other, or an expansion."""
        span = (self.index, *syntax.span)
        operands = tuple(self.value(operand) for operand in syntax.operands)
        if isinstance(self.builder.nodes[operands[0]], NumberValue):
            raise self.refuse(f"{syntax.kind} of a number only: write its value", syntax.span)
        rank = len(self.builder.nodes[operands[0]].shape)
        axes = tuple(range(rank)) if syntax.axes is None else syntax.axes
        for axis in axes:
            if not -rank <= axis < rank:
                sizes = _text(self.builder.nodes[operands[0]].shape)
                raise self.refuse(f"there is no axis {axis} of {sizes}: they are {-rank} to {rank - 1}", syntax.span)
        if not axes:
            raise self.refuse("'axis' is empty: leave it out, or name one", syntax.span)
        for place, axis in enumerate(axes):
            for other in axes[:place]:
                if axis % rank == other % rank:
                    which = f"{other} and {axis} are the same axis" if axis != other else f"axis {axis} is there twice"
                    raise self.refuse(f"{which} of {_text(self.builder.nodes[operands[0]].shape)}", syntax.span)
        axes = tuple(sorted(axis % rank for axis in axes))
        if syntax.kind in COMPOSED:
            self.check_parts(operands, syntax)
            return COMPOSED[syntax.kind].expand(self, operands, axes[0], syntax.eps, span)
        (value,) = operands
        if not syntax.keeps:
            if rank - 1 in axes or axes != tuple(range(len(axes))):
                kept = ", ".join(
                    "1" if axis in axes else str(size) for axis, size in enumerate(self.builder.nodes[value].shape)
                )
                raise self.refuse(
                    "only first axes can be dropped without moving elements between tiles: write keepdims=True, and "
                    f"declare the result as [{kept}]",
                    syntax.span,
                )
            # The first axis again and again: each of them is dropped.
            for _axis in axes:
                value = self.reduction(syntax.kind, value, 0, span, keeps=False)
            return value
        for axis in reversed(axes):
            value = self.reduction(syntax.kind, value, axis, span)
        return value

    def reduction(self, function: str, operand: int, axis: int, span: ValueSpan, *, keeps: bool = True) -> int:
        """A reduction along one axis."""
        shape = self.builder.nodes[operand].shape
        size = shape[axis]
        if size == 1:
            if not keeps:
                kept = ", ".join(map(str, shape))
                text = f"the first axis has one place: write keepdims=True, and declare the result as [{kept}]"
                raise self.refuse(text, span[1:])
            return operand
        if function == "mean":
            total = self.reduction("sum", operand, axis, span, keeps=keeps)
            return self.elementwise("mul", (total, self.number(1 / size, span)), span)
        kind: Kind = "max" if function == "max" else "min" if function == "min" else "sum"
        value = Reduction(
            function=kind, operands=(operand,), along=len(shape) - 1 - axis, keeps=keeps,
            dtype=self.builder.computed, shape=(*shape[:axis], *((1,) if keeps else ()), *shape[axis + 1 :]),
            span=span,
        )  # fmt: skip
        return self.builder.add(value, self.path)

    def check_parts(self, operands: tuple[int, ...], syntax: Reduce) -> None:
        """Refuses a scale or a shift that would make the result larger than what is normalised."""
        first, *others = (self.builder.nodes[operand].shape for operand in operands)
        for shape, operand in zip(others, syntax.operands[1:], strict=True):
            if self.broadcast([first, shape], syntax.span) != first:
                text = f"{syntax.kind} of {_text(first)} can't have a scale or a shift of {_text(shape)}"
                raise self.refuse(f"{text}: that would make it larger", operand.span)

    def name(self, syntax: Name) -> int | Input:
        """The value that an earlier formula assigned, or a tensor, which isn't in the graph yet."""
        builder, name = self.builder, syntax.name
        if name in builder.values:
            return builder.values[name]
        if name in builder.broken:
            raise SpecError([])  # said where it was assigned
        if name == self.target:
            raise self.refuse(f"'{name}' is both read and written: an output can't also be an input", syntax.span)
        if name in builder.targets:
            raise self.refuse(f"'{name}' is read before it is assigned", syntax.span)
        if name not in builder.shapes:
            known = [*builder.shapes, *builder.values]
            raise self.refuse(f"unknown tensor '{name}'{suggest(name, known)}", syntax.span)
        builder.read.add(name)
        return Input(
            tensor=name, dtype=builder.dtypes[name], shape=builder.shapes[name], span=(self.index, *syntax.span)
        )

    def contraction(self, syntax: Apply) -> int:
        sides: list[int | Input] = []
        shapes, transposed = [], []
        for operand in syntax.operands:
            inner = operand.operand if isinstance(operand, Transpose) else operand
            side = self.name(inner) if isinstance(inner, Name) else self.value(inner)
            shape = side.shape if isinstance(side, Input) else self.builder.nodes[side].shape
            if len(shape) < 2:
                raise self.refuse(no_matrix(operand, shape), operand.span)
            is_transposed = isinstance(operand, Transpose)
            if isinstance(operand, Transpose) and not operand.batched and len(shape) != 2:
                text = "'.T' reverses all dimensions: it belongs on a matrix; '.mT' swaps the last two of more"
                raise self.refuse(text, operand.span)
            sides.append(side)
            transposed.append(is_transposed)
            shapes.append((*shape[:-2], shape[-1], shape[-2]) if is_transposed else shape)
        left, right = shapes
        if left[-1] != right[-2]:
            raise self.refuse(
                f"contraction sizes differ: {_text(left)} @ {_text(right)} contracts {left[-1]} with {right[-2]}",
                syntax.span,
            )
        batch = self.broadcast([left[:-2], right[:-2]], syntax.span)
        # A tensor is a value of its own as an operand: the same contraction is one that reads the same tensors.
        key = ("contraction", *(side.tensor if isinstance(side, Input) else side for side in sides), *transposed)
        places = [
            self.builder.add(side, self.path, (*key, place)) if isinstance(side, Input) else side
            for place, side in enumerate(sides)
        ]
        return self.builder.add(
            Contraction(
                operands=(places[0], places[1]),
                transposed=(transposed[0], transposed[1]),
                dtype=self.builder.computed,
                shape=(*batch, left[-2], right[-1]),
                span=(self.index, *syntax.span),
            ),
            self.path,
        )

    def broadcast(self, shapes: list[Shape], span: Span) -> Shape:
        rank = max(len(shape) for shape in shapes)
        padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
        result = []
        for sizes in zip(*padded, strict=True):
            wide = {size for size in sizes if size != 1}
            if len(wide) > 1:
                tensors = [shape for shape in shapes if shape]
                raise self.refuse(f"shapes don't broadcast: {' and '.join(_text(shape) for shape in tensors)}", span)
            result.append(wide.pop() if wide else 1)
        return tuple(result)


def _text(shape: Shape) -> str:
    return f"({', '.join(str(size) for size in shape)}{',' if len(shape) == 1 else ''})"
