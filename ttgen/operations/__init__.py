"""Tile operations: what each needs and does, a row each; no walk finds anything out from a name.

How an operation is spelled in C++ is the business of a release (`apis/`): its templates have a macro and an `_init`
macro of each name. Restrictions were read in the device headers of release 0.81.1 (`tt_metal/hw/inc/api/compute/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from ttgen.operations.accuracy import COMPARISONS, EXACT, WITH_16_BITS, WITH_32_BITS, Accuracy
from ttgen.records import dataclass

SourceKind = Literal["tile", "dst", "number"]
Result = Literal["overwrites", "accumulates", "in_place"]
Spread = Literal["rows", "cols", "scalar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One tile operation.

    Attributes:
        sources: where its operands come from, in order: tiles of circular buffers, DST slots, numbers.
        result: whether it overwrites its DST slot, adds to it (and so needs it zero), or changes its first source.
        engine: `fpu` unpacks tiles to SrcA and SrcB; `sfpu` works on DST.
        init: operations with the same name here share one preparation.
        function: its value: a function of the formula language, or one of the interpreter's own.
        arguments: the places of its sources that are the function's operands and parameters, in their order.
        spread: the part of its last tile or slot that is used for all of a tile: its first row, column or element.
        exact_float32: float32 tiles keep their mantissa; through the FPU they are truncated to TF32's ten bits.
        dst_bits: the width of DST that it needs; None for either.
        reverse: the first tile goes to SrcB, the second to SrcA.
        block: it works on a block of tiles of each operand, and the function on each pair of them.
        contracts: it is a product of matrices, which costs count.
        by_bits: the place of the source that it tests by its bits: there -0.0 isn't 0.
        reduces: how the results of all tiles along the axis of a program that reduces come together in its slot.
        within: how it reduces the elements of a slot, along what dimension of the tile.
        narrow: of an operation of the vector unit, its accuracy with 16-bit DST.
        wide: the same with 32-bit DST.
    """

    name: str
    sources: tuple[SourceKind, ...]
    result: Result
    engine: Literal["fpu", "sfpu"]
    init: str
    function: str
    arguments: tuple[int, ...]
    spread: Spread | None = None
    exact_float32: bool = True
    dst_bits: Literal[16, 32] | None = None
    reverse: bool = False
    block: bool = False
    contracts: bool = False
    by_bits: int | None = None
    reduces: Literal["sum", "max", "min"] | None = None
    within: Literal["row", "col"] | None = None
    narrow: Accuracy = EXACT
    wide: Accuracy = EXACT

    def accuracy(self, dst_bits: Literal[16, 32]) -> Accuracy:
        """How far it is from its value in DST of a width."""
        return self.narrow if dst_bits == 16 else self.wide


_DIMS: Final[tuple[Spread, ...]] = ("rows", "cols", "scalar")
_SIGNS: Final = ("add", "sub", "mul")
_IN_PLACE: Final = (
    "abs", "exp", "gelu", "log", "neg", "reciprocal", "relu", "rsqrt", "sigmoid", "sign", "silu", "sqrt", "square",
    "tanh",
)  # fmt: skip
"""Functions that are operations on a slot in place."""


def _product(name: str, *, block: bool = False) -> Operation:
    return Operation(
        name=f"{name}_block" if block else name, sources=("tile", "tile"), result="accumulates", engine="fpu",
        init=f"{name}_block" if block else name, function=name, arguments=(0, 1),
        exact_float32=False, reverse=True, block=block, contracts=True,
    )  # fmt: skip


def _on_tiles(function: str, spread: Spread | None = None) -> Operation:
    """An elementwise operation of the matrix unit; products add to DST."""
    name = f"{function}_{spread}" if spread else function
    return Operation(
        name=name, sources=("tile", "tile"), result="accumulates" if function == "mul" else "overwrites", engine="fpu",
        init=name, function=function, arguments=(0, 1), spread=spread, exact_float32=False,
    )  # fmt: skip


def _reduce(function: Literal["sum", "max"], dim: Literal["row", "col"]) -> Operation:
    """A reduction of tiles by the matrix unit, in one slot; beside each a tile of ones in the first rows of its faces.

    Sums of rows are products of matrices with the data in SrcB. A maximum adds up to the largest: the interpreter's
    function has what was there before. (`reduce.h`)
    """
    name = f"reduce_{function}_{dim}"
    return Operation(
        name=name, sources=("tile", "tile"), result="accumulates", engine="fpu", init=name, function=name,
        arguments=(0, 1), exact_float32=False, reverse=(function, dim) == ("sum", "row"), reduces=function, within=dim,
    )  # fmt: skip


def _in_dst(
    name: str,
    function: str,
    *,
    sources: tuple[SourceKind, ...] = ("dst",),
    arguments: tuple[int, ...] | None = None,
    result: Result = "in_place",
    init: str = "",
    spread: Spread | None = None,
    dst_bits: Literal[16, 32] | None = None,
    by_bits: int | None = None,
    reduces: Literal["sum", "max", "min"] | None = None,
    within: Literal["row", "col"] | None = None,
) -> Operation:
    """An operation of the vector unit."""
    return Operation(
        name=name, sources=sources, result=result, engine="sfpu",
        init=init or name, function=function, spread=spread, dst_bits=dst_bits, by_bits=by_bits,
        reduces=reduces, within=within,
        arguments=tuple(range(len(sources))) if arguments is None else arguments,
        narrow=WITH_16_BITS.get(name, EXACT), wide=WITH_32_BITS[name],
    )  # fmt: skip


def _operations() -> tuple[Operation, ...]:
    pair: tuple[SourceKind, ...] = ("dst", "dst")
    with_number: tuple[SourceKind, ...] = ("dst", "number")
    return (
        # Products accumulate (ELWMUL and MVMUL are DST +=): they rely on the zeros that a release leaves.
        *(_product(name, block=block) for block in (False, True) for name in ("matmul", "matmul_transposed")),
        Operation(
            name="copy", sources=("tile",), result="overwrites", engine="fpu", function="identity", arguments=(0,),
            init="copy",
        ),
        *(_on_tiles(function) for function in _SIGNS),
        *(_on_tiles(function, dim) for function in _SIGNS for dim in _DIMS),
        # Reductions along a row or a column of tiles: of tiles, of products of tiles, and of what is in DST.
        *(_reduce(function, dim) for function in ("sum", "max") for dim in ("row", "col")),
        Operation(
            name="mul_accumulate", sources=("tile", "tile"), result="accumulates", engine="fpu", init="mul",
            function="mul", arguments=(0, 1), exact_float32=False, reduces="sum",
        ),
        _in_dst("fold_sum", "add", sources=pair, init="add_dst", reduces="sum"),
        _in_dst("fold_max", "maximum", sources=pair, init="max_dst", reduces="max"),
        _in_dst("fold_min", "minimum", sources=pair, init="min_dst", reduces="min"),
        # Float32 in 32-bit DST; the result is in column 0 (row: in row 0). (`compute_kernel_api.h`)
        *(
            _in_dst(f"{function}_within_{dim}", f"{function}_within_{dim}", within=dim, dst_bits=32)
            for function in ("sum", "max", "min") for dim in ("row", "col")
        ),
        *(_in_dst(name, name) for name in _IN_PLACE),
        # The same as abs, with a word of why.
        _in_dst("abs_of_condition", "abs", init="abs"),
        _in_dst("erf", "erf"),
        _in_dst("leaky_relu", "leaky_relu", sources=with_number),
        # The third number, 1 / beta, says what the first does.
        _in_dst(
            "softplus", "softplus", sources=("dst", "number", "number", "number"),
            arguments=(0, 1, 3),
        ),
        _in_dst("add_number", "add", sources=with_number, init="number"),
        _in_dst("mul_number", "mul", sources=with_number, init="number"),
        _in_dst("rsub_number", "sub", sources=with_number, arguments=(1, 0), init="number"),
        _in_dst("rdiv_number", "div", sources=with_number, arguments=(1, 0)),
        # With 0 the forms of their own: a difference to it would have a sign where it is -0 (ckernel_sfpu_comp.h).
        *(_in_dst(f"{name}_number", name, sources=with_number) for name in COMPARISONS),
        *(_in_dst(f"{name}_zero", f"{name}_zero") for name in COMPARISONS),
        _in_dst("clip", "clip", sources=("dst", "number", "number")),
        _in_dst("max_number", "maximum", sources=with_number),
        _in_dst("min_number", "minimum", sources=with_number),
        _in_dst("fill", "identity", sources=("number",), result="overwrites"),
        _in_dst("zero", "zero", sources=(), result="overwrites", init="fill"),
        *(_in_dst(f"{name}_dst", name, sources=pair, result="overwrites") for name in (*_SIGNS, "div")),
        *(_in_dst(f"{name}_dst", name, sources=pair, result="overwrites") for name in COMPARISONS),
        _in_dst("max_dst", "maximum", sources=pair, result="overwrites"),
        _in_dst("min_dst", "minimum", sources=pair, result="overwrites"),
        # The condition is loaded as an integer and compared with 0 (sfpu/ckernel_sfpu_where.h).
        _in_dst("where", "where", sources=("dst", "dst", "dst"), result="overwrites", by_bits=0),
        _in_dst("copy_dst", "identity", result="overwrites"),
        # The broadcast helpers read and write DST as float32 (sfpu_binary_bcast.h): 32-bit DST only. One init serves
        # the three operators of a dimension.
        *(
            _in_dst(
                f"{name}_dst_{dim}", name, sources=pair, init=f"bcast_{dim}",
                spread=dim, dst_bits=32,
            )
            for name in _SIGNS
            for dim in _DIMS[:2]
        ),
    )  # fmt: skip


OPERATIONS: Final[Mapping[str, Operation]] = {operation.name: operation for operation in _operations()}
