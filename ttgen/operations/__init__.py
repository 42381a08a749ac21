"""Tile operations: what each needs and does, a row each; no walk finds anything out from a name.

How an operation is spelled in C++ is the business of `templates/metalium_0_81/operations.jinja`, which has a macro and
an `_init` macro of each name. Signatures and restrictions were read in the device headers of release 0.81.1
(`tt_metal/hw/inc/api/compute/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ttgen.operations.accuracy import EXACT, WITH_16_BITS, WITH_32_BITS, Accuracy

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
        headers: the headers that declare it, and those that these need and don't include.
        defines: what the kernel has to define for it: by these, its header chooses among algorithms.
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
        narrow: of an operation of the vector unit, its accuracy with 16-bit DST.
        wide: the same with 32-bit DST.
    """

    name: str
    sources: tuple[SourceKind, ...]
    result: Result
    engine: Literal["fpu", "sfpu"]
    headers: tuple[str, ...]
    defines: tuple[str, ...] = ()
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
    narrow: Accuracy = EXACT
    wide: Accuracy = EXACT

    def accuracy(self, dst_bits: Literal[16, 32]) -> Accuracy:
        """How far it is from its value in DST of a width."""
        return self.narrow if dst_bits == 16 else self.wide


_COMPUTE: Final = "api/compute/"
_KERNEL_API: Final = _COMPUTE + "compute_kernel_api.h"
_UNARY: Final = _COMPUTE + "eltwise_unary/"
_SCALAR: Final = _UNARY + "binop_with_scalar.h"

_FULL_FIT: Final = ("INP_FLOAT32",)
"""Without it, the headers of erf (ckernel_sfpu_erf.h) and softplus (ckernel_sfpu_softplus.h) take a shorter fit: erf is
off by up to 3.2e-3 and softplus is 0 below -5. It is meant for float32 inputs, and as right where DST has 16 bits."""

_DIMS: Final[tuple[Spread, ...]] = ("rows", "cols", "scalar")
_SIGNS: Final = ("add", "sub", "mul")
# Functions that are operations on a slot in place, and the headers that declare them.
_IN_PLACE: Final[Mapping[str, str]] = {
    "abs": _KERNEL_API,
    "exp": _UNARY + "exp.h",
    "gelu": _UNARY + "gelu.h",
    "log": _KERNEL_API,
    "neg": _UNARY + "negative.h",
    "reciprocal": _UNARY + "recip.h",
    "relu": _UNARY + "relu.h",
    "rsqrt": _UNARY + "rsqrt.h",
    "sigmoid": _KERNEL_API,
    "sign": _KERNEL_API,
    "silu": _KERNEL_API,
    "sqrt": _UNARY + "sqrt.h",
    "square": _KERNEL_API,
    "tanh": _KERNEL_API,
}


def _product(name: str, *, block: bool = False) -> Operation:
    return Operation(
        name=f"{name}_block" if block else name, sources=("tile", "tile"), result="accumulates", engine="fpu",
        headers=(_COMPUTE + "matmul.h",), init=f"{name}_block" if block else name, function=name, arguments=(0, 1),
        exact_float32=False, reverse=True, block=block, contracts=True,
    )  # fmt: skip


def _on_tiles(function: str, spread: Spread | None = None) -> Operation:
    """An elementwise operation of the matrix unit; products add to DST."""
    name = f"{function}_{spread}" if spread else function
    header = _COMPUTE + ("bcast.h" if spread else "eltwise_binary.h")
    return Operation(
        name=name, sources=("tile", "tile"), result="accumulates" if function == "mul" else "overwrites", engine="fpu",
        headers=(header,), init=name, function=function, arguments=(0, 1), spread=spread, exact_float32=False,
    )  # fmt: skip


def _in_dst(
    name: str,
    header: str,
    function: str,
    *more_headers: str,
    defines: tuple[str, ...] = (),
    sources: tuple[SourceKind, ...] = ("dst",),
    arguments: tuple[int, ...] | None = None,
    result: Result = "in_place",
    init: str = "",
    spread: Spread | None = None,
    dst_bits: Literal[16, 32] | None = None,
    by_bits: int | None = None,
) -> Operation:
    """An operation of the vector unit."""
    return Operation(
        name=name, sources=sources, result=result, engine="sfpu", headers=(header, *more_headers), defines=defines,
        init=init or name, function=function, spread=spread, dst_bits=dst_bits, by_bits=by_bits,
        arguments=tuple(range(len(sources))) if arguments is None else arguments,
        narrow=WITH_16_BITS.get(name, EXACT), wide=WITH_32_BITS[name],
    )  # fmt: skip


def _operations() -> tuple[Operation, ...]:
    pair: tuple[SourceKind, ...] = ("dst", "dst")
    with_number: tuple[SourceKind, ...] = ("dst", "number")
    binary_sfpu, max_min = _COMPUTE + "eltwise_binary_sfpu.h", _COMPUTE + "binary_max_min.h"
    return (
        # Products accumulate (ELWMUL and MVMUL are DST +=): they rely on the zeros that a release leaves.
        *(_product(name, block=block) for block in (False, True) for name in ("matmul", "matmul_transposed")),
        Operation(
            name="copy", sources=("tile",), result="overwrites", engine="fpu", function="identity", arguments=(0,),
            headers=(_COMPUTE + "tile_move_copy.h",), init="copy",
        ),
        *(_on_tiles(function) for function in _SIGNS),
        *(_on_tiles(function, dim) for function in _SIGNS for dim in _DIMS),
        *(_in_dst(name, header, name) for name, header in _IN_PLACE.items()),
        # The same as abs, with a word of why.
        _in_dst("abs_of_condition", _KERNEL_API, "abs", init="abs"),
        _in_dst("erf", _UNARY + "erf_erfc.h", "erf", defines=_FULL_FIT),
        _in_dst("leaky_relu", _UNARY + "relu.h", "leaky_relu", sources=with_number),
        # The third number, 1 / beta, says what the first does.
        _in_dst(
            "softplus", _UNARY + "softplus.h", "softplus", sources=("dst", "number", "number", "number"),
            arguments=(0, 1, 3), defines=_FULL_FIT,
        ),
        _in_dst("add_number", _SCALAR, "add", sources=with_number, init="number"),
        _in_dst("mul_number", _SCALAR, "mul", sources=with_number, init="number"),
        _in_dst("rsub_number", _SCALAR, "sub", sources=with_number, arguments=(1, 0), init="number"),
        # rdiv.h uses a converter that it doesn't include: binop_with_scalar.h brings it.
        _in_dst("rdiv_number", _UNARY + "rdiv.h", "div", _SCALAR, sources=with_number, arguments=(1, 0)),
        _in_dst("max_number", _KERNEL_API, "maximum", sources=with_number),
        _in_dst("min_number", _KERNEL_API, "minimum", sources=with_number),
        _in_dst("fill", _UNARY + "fill.h", "identity", sources=("number",), result="overwrites"),
        _in_dst("zero", _UNARY + "fill.h", "zero", sources=(), result="overwrites", init="fill"),
        *(_in_dst(f"{name}_dst", binary_sfpu, name, sources=pair, result="overwrites") for name in (*_SIGNS, "div")),
        _in_dst("max_dst", max_min, "maximum", sources=pair, result="overwrites"),
        _in_dst("min_dst", max_min, "minimum", sources=pair, result="overwrites"),
        # The condition is loaded as an integer and compared with 0 (sfpu/ckernel_sfpu_where.h).
        _in_dst("where", _UNARY + "where.h", "where", sources=("dst", "dst", "dst"), result="overwrites", by_bits=0),
        _in_dst("copy_dst", _COMPUTE + "copy_dest_values.h", "identity", result="overwrites"),
        # The broadcast helpers read and write DST as float32 (sfpu_binary_bcast.h): 32-bit DST only. One init serves
        # the three operators of a dimension.
        *(
            _in_dst(
                f"{name}_dst_{dim}", _COMPUTE + "sfpu_binary_bcast.h", name, sources=pair, init=f"bcast_{dim}",
                spread=dim, dst_bits=32,
            )
            for name in _SIGNS
            for dim in _DIMS[:2]
        ),
    )  # fmt: skip


OPERATIONS: Final[Mapping[str, Operation]] = {operation.name: operation for operation in _operations()}
