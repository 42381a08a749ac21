"""How far from a formula's value a right program may be: an error bound that every operation passes on.

Nothing here is picked. The bound goes through the operations of the compute kernel (`verify/flow.py`), with what each
adds on the card (`operations/`): rounding to DST, products cut and aligned, sums whose smaller operand is rounded, the
error of a function. Functions pass errors on by their own slope. Bounds are worst cases to first order: a right program
stays below them whatever the order of additions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.analysis.interpreter import FUNCTIONS
from ttgen.dtypes import DTYPES, TILE, DTypeName
from ttgen.formula.functions import COMPARISONS
from ttgen.formula.reference import evaluate, function_of
from ttgen.formula.values import Graph
from ttgen.model.tiles import MASKED
from ttgen.operations import OPERATIONS, Operation
from ttgen.verify import block_floats
from ttgen.verify.bounded import FLUSHED, SMALLEST, Bounded, exact, in_range
from ttgen.verify.flow import CAUSAL, ONES, PACK, READ, RESCALED, UNPACK, Flow, Step
from ttgen.verify.products import BFLOAT16_UNIT, FLOAT32_UNIT, Engine, cut_of_product, product_errors, relative_error
from ttgen.verify.programs import Checked, Precision
from ttgen.verify.reductions import ranked, reduced

Array = NDArray[np.float64]

_TF32_UNIT: Final = 2.0**-10
_ADDED: Final = 2.0**-11
"""The matrix unit rounds the smaller operand of a sum to this part of the larger."""
_RESCALE: Final = OPERATIONS["exp"].wide.relative + OPERATIONS["mul_dst_cols"].wide.relative + 128 * FLOAT32_UNIT
"""What a sum loses where it is multiplied by e to the power of a difference, which float32 has, of at most 128."""
_APPROXIMATE: Final = 2.0**-5
"""What fast approximations may add to a function's value: assumed, not measured."""
_APPROXIMATED: Final = frozenset({"erf", "exp", "gelu", "log", "reciprocal", "rsqrt", "sigmoid", "silu", "softplus",
                                  "sqrt", "tanh"})  # fmt: skip
_JUMPS: Final = frozenset({"sign", "where", *COMPARISONS, *(f"{name}_zero" for name in COMPARISONS)})


def bounds(flow: Flow, inputs: Mapping[str, Bounded], precision: Precision) -> tuple[Bounded, ...]:
    """The value and the error bound of every step.

    Args:
        flow: what the compute kernel computes.
        inputs: each tensor that is read, of its declared shape, as it is stored.
        precision: of the program.
    """
    found: list[Bounded] = []
    with np.errstate(all="ignore"):
        for step in flow.steps:
            operands = [found[operand] for operand in step.operands]
            if flow.along is not None and (reduces := OPERATIONS.get(step.op)) is not None and reduces.reduces:
                found.append(reduced(reduces, step, operands, -1 - flow.along, precision.engine))
            else:
                found.append(_bounded(step, operands, inputs, precision))
    return tuple(found)


def outputs(flow: Flow, found: tuple[Bounded, ...], precision: Precision) -> dict[str, Bounded]:
    """The outputs as they are stored: rounded to their dtypes."""
    result = {}
    for tensor, index in flow.outputs.items():
        step = found[index]
        rounding = _packed(np.abs(step.value) + step.error, precision.dtypes[tensor], wide=precision.engine.wide)
        error = np.asarray(step.error + rounding)
        result[tensor] = Bounded(step.value, error, error if step.typical is step.error else step.typical + rounding)
    return result


def summed(parts: Sequence[Bounded], dtype: DTypeName) -> Bounded:
    """The sum of what devices have, added up in any order and rounded to a dtype each time, as ttnn does."""
    with np.errstate(all="ignore"):
        value = np.asarray(sum(part.value for part in parts))
        error = np.asarray(sum(part.error for part in parts))
        typical = np.sqrt(np.asarray(sum(np.square(part.typical) for part in parts)))
        largest = np.asarray(sum(np.abs(part.value) for part in parts)) + error
        unit = FLOAT32_UNIT if dtype == "float32" else BFLOAT16_UNIT
        lost = (len(parts) - 1) * (unit * largest + SMALLEST)
        return in_range(Bounded(value, error + lost, np.minimum(typical, error) + lost), list(parts))


def made_by(program: Checked, known: Mapping[str, Bounded]) -> dict[str, Bounded]:
    """The outputs of a program as they are stored, each of its tensor's rank, from what it reads."""
    made = bounds(program.flow, known, program.precision)
    ranks = {output.tensor: len(program.graph.values[output.value].shape) for output in program.graph.outputs}
    stored = outputs(program.flow, made, program.precision)
    found = {tensor: ranked(value, ranks[tensor]) for tensor, value in stored.items()}
    for item in program.exchanged:
        held = found[item.source] if item.source in found else known[item.source]
        dtype = program.precision.dtypes[item.target]
        unit = FLOAT32_UNIT if dtype == "float32" else BFLOAT16_UNIT
        found[item.target] = _losing(held, item.additions * unit * (np.abs(held.value) + held.error))
    return found


def expected(graph: Graph, programs: Sequence[Checked], inputs: Mapping[str, NDArray[Any]]) -> dict[str, Bounded]:
    """What each output of right programs is: the formula's value, and how far off the kernels' operations may be.

    A value is infinite where they overflow DST, whatever the formula has there. What one program makes and another
    reads carries its error with it.
    """
    values = evaluate(graph, inputs)
    known = {tensor: exact(array) for tensor, array in inputs.items()}
    for program in programs:
        known |= made_by(program, known)
    return {
        tensor: Bounded(
            np.where(np.isinf(known[tensor].value), known[tensor].value, value),
            known[tensor].error,
            known[tensor].typical,
        )
        for tensor, value in values.items()
    }


def _packed(largest: Array, name: DTypeName, *, wide: bool) -> Array:
    """What packing adds, from the largest absolute values that numbers may have."""
    with np.errstate(all="ignore"):
        if DTYPES[name].shares_exponents:
            return block_floats.packing_error(largest, DTYPES[name]) + SMALLEST
        # Float32 always has 32-bit DST, and bfloat16 holds all of a 16-bit one; what is infinite stays so.
        unit = BFLOAT16_UNIT if name == "bfloat16" and wide else 0.0
        return np.where(np.isfinite(largest), largest * unit + SMALLEST, 0.0)


def stored_error(value: Array, dtype: DTypeName) -> Array:
    """What storing values makes of them: what is left where nothing else rounds, flushing included."""
    if DTYPES[dtype].shares_exponents:
        # Of neighbours that are gone, such as those that aren't judged, nothing is known: each is its own group.
        return np.asarray(np.abs(value) * 2.0 ** -(DTYPES[dtype].significand - 1) + SMALLEST)
    return np.asarray(np.abs(value) * (FLOAT32_UNIT if dtype == "float32" else BFLOAT16_UNIT) + SMALLEST)


def _losing(held: Bounded, lost: Array) -> Bounded:
    """A value that may be off by some more."""
    error = np.asarray(held.error + lost)
    return Bounded(held.value, error, error if held.typical is held.error else held.typical + lost)


def _bounded(step: Step, operands: list[Bounded], inputs: Mapping[str, Bounded], precision: Precision) -> Bounded:
    if step.op == READ:
        return inputs[step.tensor]
    if step.op == UNPACK:
        (held,) = operands
        return _losing(held, _TF32_UNIT * (np.abs(held.value) + held.error))
    if step.op == PACK:
        (held,) = operands
        return _losing(held, _packed(np.abs(held.value) + held.error, step.formats[0], wide=True))
    if step.op == RESCALED:
        (held,) = operands
        return _losing(held, step.numbers[0] * _RESCALE * (np.abs(held.value) + held.error))
    if step.op == CAUSAL:
        return exact(np.maximum(function_of("causal")(np.zeros(step.shape)), MASKED))
    if step.op == ONES:
        return exact(np.ones(()))
    operation = OPERATIONS[step.op]
    if operation.within is not None:
        # What is in a slot is the sum of a whole line already, with all that it lost.
        return operands[0]
    if operation.contracts:
        left, right = operands
        if operation.function == "matmul_transposed":
            right = Bounded(*(np.swapaxes(part, -1, -2) for part in (right.value, right.error, right.typical)))
        return _product(left, right, step, precision.engine)
    sources = [*operands, *(_number(number) for number in step.numbers)]
    # A row or a column broadcasts by its shape.
    terms = [sources[place] for place in operation.arguments]
    value = np.asarray(FUNCTIONS[operation.function](*(term.value for term in terms)))
    carried = passed_on(operation.function, terms, value)
    made = _made(operation, step, terms, value, carried, precision)
    error = carried + made
    # Of the two values that a condition chooses from, only the chosen one matters.
    infinite = terms[:1] if operation.function == "where" else terms
    if all(term.typical is term.error for term in terms):
        return in_range(Bounded(value, error, error), infinite)
    # Few operations follow a sum: what each adds counts in full, and a smaller error is passed on in proportion.
    typical = error if operation.function in _JUMPS else _share(terms) * carried + made
    return in_range(Bounded(value, error, typical), infinite)


def _product(left: Bounded, right: Bounded, step: Step, engine: Engine) -> Bounded:
    """A product; operands that other programs made pass their errors on, larger by what it makes of them."""
    value, error, typical = _sum_of_parts(left.value, right.value, step, engine)
    error, typical = error + SMALLEST, typical + SMALLEST
    if not all(np.all(np.isfinite(part.value)) and not np.any(part.error) for part in (left, right)):
        more = 1 + relative_error(left.value.shape[-1], step.formats, engine, in_steps=step.in_steps)
        sizes = np.abs(left.value), np.abs(right.value)
        carried = np.matmul(sizes[0] + left.error, right.error) + np.matmul(left.error, sizes[1])
        usual = np.matmul(sizes[0] + left.typical, right.typical) + np.matmul(left.typical, sizes[1])
        error, typical = error + more * carried, typical + more * usual
        # Of a row with an element of which nothing is known, nothing is; and an infinite one is cut to slices.
        rows, cols = (~np.isfinite(part.value + part.error) for part in (left, right))
        unknown = np.any(rows, axis=-1)[..., np.newaxis] | np.any(cols, axis=-2)[..., np.newaxis, :]
        error, typical = (np.where(unknown | np.isnan(error), np.inf, part) for part in (error, typical))
    return in_range(Bounded(value, error, typical), [])


def _sum_of_parts(left: Array, right: Array, step: Step, engine: Engine) -> tuple[Array, Array, Array]:
    """A product whose K may be cut into parts, each the sum of one core, which the packer of another adds up in L1."""
    if not step.parts:
        return product_errors(left, right, step.formats, engine, in_steps=step.in_steps)
    total: Array = np.zeros(())
    error: Array = np.zeros(())
    squares: Array = np.zeros(())
    begin = 0
    for end in step.parts:
        part = slice(begin * TILE, end * TILE)
        value, off, typical = product_errors(
            left[..., part], right[..., part, :], step.formats, engine, in_steps=step.in_steps
        )
        total = total + value
        # Packed, sent, and added to what is there.
        rounded = engine.unit * (np.abs(value) + off) if not engine.wide else np.zeros(())
        added = engine.unit * (np.abs(total) + error + off) if begin else np.zeros(())
        error = error + off + rounded + added
        squares = squares + np.square(typical + rounded) + np.square(added)
        begin = end
    return total, error, np.minimum(np.sqrt(squares), error)


def _number(number: float) -> Bounded:
    """A number as float32 has it; the error is what the rounding left."""
    left = np.asarray(abs(float(np.float32(number)) - number))
    return Bounded(np.asarray(number), left, left)


def _share(terms: list[Bounded]) -> Array:
    """The largest part that a typical error is of the largest, of all operands."""
    share = np.zeros(())
    for term in terms:
        share = np.maximum(share, np.where(term.error > 0, term.typical / term.error, 0.0))
    return np.where(np.isnan(share), 1.0, share)


def passed_on(function: str, terms: list[Bounded], value: Array) -> Array:
    """What the errors of a function's operands become, parameters among them, where its value is `value`."""
    match function, terms:
        case "causal", [operand]:
            return np.where(np.isfinite(value), operand.error, 0.0)
        case "zero", []:
            return np.zeros(())
        case "identity", [number]:
            return number.error
        case "add" | "sub", [a, b]:
            return np.asarray(a.error + b.error)
        case "mul", [a, b]:
            return np.asarray(np.abs(a.value) * b.error + np.abs(b.value) * a.error + a.error * b.error)
        case "div", [a, b]:
            room = np.abs(b.value) - b.error
            error = np.where(room > 0, (a.error + np.abs(value) * b.error) / room, np.inf)
            # It multiplies by a reciprocal, which is flushed where the divisor is as large as that.
            return np.where(np.abs(b.value) + b.error < 1 / SMALLEST, error, error + np.abs(value))
        case "maximum" | "minimum", [a, b]:
            # Where it is clear which one it is, the other's error doesn't matter.
            clear = np.abs(a.value - b.value) > a.error + b.error
            return np.where(clear, np.where(value == a.value, a.error, b.error), np.maximum(a.error, b.error))
        case _, [a, *others] if function.removesuffix("_zero") in COMPARISONS:
            # Within the errors of both sides it may hold or not.
            b = others[0] if others else _number(0.0)
            unsure = np.abs(a.value - b.value) <= a.error + b.error
            return np.where(unsure & (a.error + b.error > 0), 1.0, 0.0)
        case "where", [condition, a, b]:
            error = np.where(condition.value != 0, a.error, b.error)
            unsure = (condition.error > 0) & (np.abs(condition.value) <= condition.error)
            return np.where(unsure, np.abs(a.value - b.value) + np.maximum(a.error, b.error), error)
        case _, [operand, *numbers]:
            return _sloped(function, operand, value, [float(number.value) for number in numbers])
    raise KeyError(function)


def _sloped(function: str, operand: Bounded, value: Array, numbers: list[float]) -> Array:
    """How far a function moves where its operand does; infinite across a pole, and where the operand may be NaN."""
    if not np.any(operand.error):
        return np.zeros(value.shape)
    low, high = operand.value - operand.error, operand.value + operand.error
    if function == "sqrt":
        low = np.maximum(low, 0.0)
    compute = FUNCTIONS[function]
    moved = np.maximum(np.abs(compute(low, *numbers) - value), np.abs(compute(high, *numbers) - value))
    # Of a sum that overflows nothing is known: it may be the difference of two infinities, of which tanh has no bound.
    moved = np.where(np.isfinite(operand.error), moved, np.inf)
    if function in ("log", "rsqrt"):
        return np.where(low > 0, moved, np.inf)
    return np.where(low * high > 0, moved, np.inf) if function == "reciprocal" else np.asarray(moved)


def _made(
    operation: Operation, step: Step, terms: list[Bounded], value: Array, carried: Array, precision: Precision
) -> Array:
    """What an operation adds itself: the unit that executes it decides."""
    engine, largest = precision.engine, np.abs(value) + carried
    if operation.engine == "sfpu":
        accuracy = operation.accuracy(32 if engine.wide else 16)
        more = _APPROXIMATE if precision.approximate and operation.function in _APPROXIMATED else 0.0
        error = (accuracy.relative + more) * largest + accuracy.absolute
        if accuracy.curved:
            error = error + accuracy.curved * np.abs(value - np.maximum(terms[0].value, 0))
    elif operation.function == "mul":
        # The first operand goes to SrcA; each phase is rounded to DST.
        error = (cut_of_product(engine.phases, step.formats[::-1]) + engine.phases * engine.unit) * largest
        error = error + np.where(largest > 0, engine.phases * FLUSHED, 0.0)
    else:
        error = _rounded_operand(*terms) + engine.unit * largest
    # What is just 0 loses nothing by it.
    flushed = (largest > 0) & (np.abs(value) - carried - error < SMALLEST)
    return np.asarray(error + np.where(flushed, SMALLEST, 0.0))


def _rounded_operand(a: Bounded, b: Bounded) -> Array:
    """What the matrix unit's sum loses of its smaller operand; nothing while its last bit is one of the larger's."""
    sizes = np.abs(a.value) + a.error, np.abs(b.value) + b.error
    larger, smaller = np.maximum(*sizes), np.minimum(*sizes)
    return np.asarray(np.minimum(_ADDED * larger, smaller))
