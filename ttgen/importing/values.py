"""What Python's names stand for while a kernel is read: numbers, words, lists, and things of TileLang."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from ttgen.importing.form import Apply, At, Buffer, Constant, Expression, Load, Variable
from ttgen.records import dataclass

if TYPE_CHECKING:
    from typing_extensions import Self

LANGUAGE: Final = "tilelang.language"

_DTYPES: Final = {"float": "float32", "half": "float16", "double": "float64", "int": "int32"}
_KNOWN: Final = (
    "bool bfloat16 float16 float32 float64 int4 int8 int16 int32 int64 uint1 uint2 uint4 uint8 uint16 uint32 uint64 "
    "float8_e4m3 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float6_e2m3fn float6_e3m2fn "
    "float4_e2m1fn tfloat32"
)
MAX_PARTS: Final = 500
"""Of an expression; what kernels write down has some dozens."""
DTYPE_NAMES: Final = frozenset(_KNOWN.split()) | frozenset(_DTYPES)


class Dim(int):
    """A whole number that has a name: that of the parameter or variable that it was first given to."""

    name: str

    def __new__(cls, value: int, name: str) -> Self:
        """A number and its name."""
        made = super().__new__(cls, value)
        made.name = name
        return made


@dataclass(frozen=True, slots=True)
class DType:
    """A dtype, by TileLang's name."""

    name: str


@dataclass(frozen=True, slots=True)
class Module:
    """A module that is imported: none is read but TileLang's names and Python's `math`."""

    path: str


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A name of a module: `copy` of `tilelang.language`."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """What isn't read. It may stand there, as long as no kernel depends on it."""

    why: str
    at: At


@dataclass(frozen=True, slots=True)
class Span:
    """`start:stop` in an index; None is the beginning, or the end."""

    start: Expression | None
    stop: Expression | None


@dataclass(frozen=True, slots=True)
class Indexed:
    """A buffer with indices, some of which may be spans."""

    buffer: Buffer
    items: tuple[Expression | Span, ...]


class Scope:
    """Names and what they stand for, in a function or in what it is defined in."""

    def __init__(self, parent: Scope | None = None, *, is_function: bool = False) -> None:
        self.names: dict[str, Any] = {}
        self.parent = parent
        self.is_function = is_function

    def find(self, name: str) -> tuple[bool, Any]:
        """Whether a name is known, and what it stands for."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return True, scope.names[name]
            scope = scope.parent
        return False, None

    def belongs_outside(self, name: str) -> bool:
        """Whether a name is one of the function's outside of the loops and branches that this is inside of."""
        scope = self
        while not scope.is_function and scope.parent is not None:
            scope = scope.parent
            if name in scope.names:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the file, and where it is defined."""

    node: ast.FunctionDef
    scope: Scope


def dtype_name(value: object) -> str | None:
    """A dtype's name; None for what is no dtype."""
    name = value.name if isinstance(value, DType) else value
    if not isinstance(name, str) or name not in DTYPE_NAMES:
        return None
    return _DTYPES.get(name, name)


def is_number(value: object) -> bool:
    """Whether a value is a number, known while reading."""
    return isinstance(value, (int, float))


def is_expression(value: object) -> bool:
    """Whether a value is known only when the kernel runs."""
    return isinstance(value, (Constant, Variable, Apply, Load))


def expression(value: object) -> Expression | None:
    """A value as an expression; None for what is none."""
    if isinstance(value, (Constant, Variable, Apply, Load)):
        return value
    if isinstance(value, (int, float)):
        return Constant(int(value) if isinstance(value, int) else value)
    if isinstance(value, Indexed) and not any(isinstance(item, Span) for item in value.items):
        return Load(value.buffer.name, tuple(item for item in value.items if not isinstance(item, Span)))
    return None


def reads(value: Expression) -> bool:
    """Whether an expression reads a buffer."""
    if isinstance(value, Apply):
        return any(reads(operand) for operand in value.operands)
    return isinstance(value, Load)


def parts(value: Expression) -> int:
    """How many parts an expression has, counted as far as they matter."""
    total, pending = 0, [value]
    while pending and total <= MAX_PARTS:
        part = pending.pop()
        total += 1
        pending.extend(part.operands if isinstance(part, Apply) else part.indices if isinstance(part, Load) else ())
    return total
