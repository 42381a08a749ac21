"""Tile operations: what each needs and does, as data.

How an operation is spelled in C++ is the business of `templates/metalium_0_81/operations.jinja`, which has a macro
and an `_init` macro of each name; what it computes, of `analysis/interpreter.py`. Signatures and restrictions were
read in the device headers of release 0.81.1 (`tt_metal/hw/inc/api/compute/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

SourceKind = Literal["tile", "dst", "number"]
Result = Literal["overwrites", "accumulates", "in_place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One tile operation.

    Attributes:
        sources: where its operands come from, in order: tiles of circular buffers, DST slots, numbers.
        result: whether it overwrites its DST slot, adds to it (and so needs it zero), or changes its first source.
        engine: `fpu` unpacks tiles to SrcA and SrcB; `sfpu` works on DST.
        header: the header that declares it.
        init: operations with the same name here share one preparation.
        exact_float32: float32 tiles keep their mantissa; through the FPU they are truncated to TF32's ten bits.
        dst_bits: the width of DST that it needs; None for either.
        reverse: the first tile goes to SrcB, the second to SrcA.
        block: it works on a block of tiles of each operand.
    """

    name: str
    sources: tuple[SourceKind, ...]
    result: Result
    engine: Literal["fpu", "sfpu"]
    header: str
    init: str
    exact_float32: bool = True
    dst_bits: Literal[16, 32] | None = None
    reverse: bool = False
    block: bool = False


def _fpu(name: str, *, header: str, result: Result, reverse: bool = False, block: bool = False) -> Operation:
    return Operation(
        name=name, sources=("tile", "tile"), result=result, engine="fpu", header=header, init=name,
        exact_float32=False, reverse=reverse, block=block,
    )  # fmt: skip


def _sfpu(
    name: str,
    *,
    header: str,
    sources: tuple[SourceKind, ...] = ("dst",),
    result: Result = "in_place",
    init: str = "",
    dst_bits: Literal[16, 32] | None = None,
) -> Operation:
    return Operation(
        name=name, sources=sources, result=result, engine="sfpu", header=header, init=init or name, dst_bits=dst_bits
    )  # fmt: skip


_KERNEL_API: Final = "api/compute/compute_kernel_api.h"
_UNARY: Final = "api/compute/eltwise_unary/"
_BINARY_SFPU: Final = "api/compute/eltwise_binary_sfpu.h"
_MAX_MIN: Final = "api/compute/binary_max_min.h"
_SCALAR: Final = _UNARY + "binop_with_scalar.h"
_BCAST_SFPU: Final = "api/compute/sfpu_binary_bcast.h"
_SCALAR_KINDS: Final = ("add", "mul", "rsub")
_PAIR_KINDS: Final = ("add", "sub", "mul", "div")


def _operations() -> tuple[Operation, ...]:
    pair: tuple[SourceKind, ...] = ("dst", "dst")
    with_number: tuple[SourceKind, ...] = ("dst", "number")
    return (
        # Products accumulate (ELWMUL and MVMUL are DST +=): they rely on the zeros that a release leaves.
        _fpu("matmul", header="api/compute/matmul.h", result="accumulates", reverse=True),
        _fpu("matmul_transposed", header="api/compute/matmul.h", result="accumulates", reverse=True),
        *(
            _fpu(f"{name}_block", header="api/compute/matmul.h", result="accumulates", reverse=True, block=True)
            for name in ("matmul", "matmul_transposed")
        ),
        Operation(
            name="copy", sources=("tile",), result="overwrites", engine="fpu",
            header="api/compute/tile_move_copy.h", init="copy",
        ),
        _fpu("add", header="api/compute/eltwise_binary.h", result="overwrites"),
        _fpu("sub", header="api/compute/eltwise_binary.h", result="overwrites"),
        _fpu("mul", header="api/compute/eltwise_binary.h", result="accumulates"),
        *(
            _fpu(f"{kind}_{dim}", header="api/compute/bcast.h", result="accumulates" if kind == "mul" else "overwrites")
            for kind in ("add", "sub", "mul")
            for dim in ("rows", "cols", "scalar")
        ),
        *(_sfpu(name, header=_KERNEL_API) for name in ("abs", "log", "sigmoid", "sign", "silu", "square", "tanh")),
        _sfpu("erf", header=_UNARY + "erf_erfc.h"),
        _sfpu("exp", header=_UNARY + "exp.h"),
        _sfpu("gelu", header=_UNARY + "gelu.h"),
        _sfpu("neg", header=_UNARY + "negative.h"),
        _sfpu("reciprocal", header=_UNARY + "recip.h"),
        _sfpu("relu", header=_UNARY + "relu.h"),
        _sfpu("rsqrt", header=_UNARY + "rsqrt.h"),
        _sfpu("sqrt", header=_UNARY + "sqrt.h"),
        _sfpu("leaky_relu", header=_UNARY + "relu.h", sources=with_number),
        _sfpu("softplus", header=_UNARY + "softplus.h", sources=("dst", "number", "number", "number")),
        *(_sfpu(f"{kind}_number", header=_SCALAR, sources=with_number, init="number") for kind in _SCALAR_KINDS),
        _sfpu("rdiv_number", header=_UNARY + "rdiv.h", sources=with_number),
        _sfpu("max_number", header=_KERNEL_API, sources=with_number),
        _sfpu("min_number", header=_KERNEL_API, sources=with_number),
        _sfpu("fill", header=_UNARY + "fill.h", sources=("number",), result="overwrites"),
        _sfpu("zero", header=_UNARY + "fill.h", sources=(), result="overwrites", init="fill"),
        *(_sfpu(f"{kind}_dst", header=_BINARY_SFPU, sources=pair, result="overwrites") for kind in _PAIR_KINDS),
        _sfpu("max_dst", header=_MAX_MIN, sources=pair, result="overwrites"),
        _sfpu("min_dst", header=_MAX_MIN, sources=pair, result="overwrites"),
        _sfpu("where", header=_UNARY + "where.h", sources=("dst", "dst", "dst"), result="overwrites"),
        _sfpu("copy_dst", header="api/compute/copy_dest_values.h", sources=("dst",), result="overwrites"),
        # The broadcast helpers read and write DST as float32 (sfpu_binary_bcast.h): 32-bit DST only. One init
        # serves the three operators of a dimension.
        *(
            _sfpu(f"{kind}_dst_{dim}", header=_BCAST_SFPU, sources=pair, init=f"bcast_{dim}", dst_bits=32)
            for kind in ("add", "sub", "mul")
            for dim in ("rows", "cols")
        ),
    )  # fmt: skip


OPERATIONS: Final[Mapping[str, Operation]] = {operation.name: operation for operation in _operations()}
