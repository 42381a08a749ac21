"""What a kernel declares, and its statements over whole buffers: copies, products, reductions."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from math import prod
from typing import Any, Final, cast

from ttgen.importing.affine import affine
from ttgen.importing.dialect import IGNORED, REDUCTIONS, SIGNATURES, refusal
from ttgen.importing.evaluate import Evaluator
from ttgen.importing.form import (
    Allocate,
    Buffer,
    Constant,
    Copy,
    Expression,
    Fill,
    Gemm,
    Hints,
    Note,
    Reduce,
    Region,
    Statement,
    Variable,
)
from ttgen.importing.hints import panel_of, schedule_of, sharding_of
from ttgen.importing.text import KernelFile, refuse_at
from ttgen.importing.values import Dim, Indexed, Scope, Span, Unknown, dtype_name, is_number
from ttgen.records import dataclass

MAX_STATEMENTS: Final = 2000
MAX_ELEMENTS: Final = 2**40
FLOATS: Final = frozenset({"bfloat16", "float16", "float32", "float64", "tfloat32"})


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor's type: sizes as they are written, and a dtype."""

    shape: Any
    dtype: str


@dataclass(frozen=True, slots=True)
class Shard:
    """`T.TTShard`: how a tensor lies on a card."""

    axis: int | None
    placement: str
    halo: object


class Declarations(Evaluator):
    """What is known of a kernel while it is read."""

    def __init__(self, file: KernelFile, given: Mapping[str, Any]) -> None:
        super().__init__(file)
        self.given = given
        self.used: set[str] = set()
        self.in_kernel = False
        self.statements: list[Statement] = []
        self.emitted = 0
        self.buffers: dict[str, Buffer] = {}
        self.variables: set[str] = set()
        self.grid: tuple[tuple[str, int], ...] | None = None
        self.sizes: dict[str, int] = {}
        self.settable: set[str] = set()
        self.reducers: set[str] = set()
        self.fills: dict[str, float] = {}
        self.hints = Hints()
        self.notes: dict[str, Note] = {}

    def emit(self, statement: Statement) -> None:
        """Adds a statement."""
        self.emitted += 1
        if self.emitted > MAX_STATEMENTS:
            raise refuse_at(f"more than {MAX_STATEMENTS:,} statements: that is no kernel", statement.at)
        self.statements.append(statement)

    def note(self, kind: str, text: str, node: ast.AST) -> None:
        """Remembers something that a spec doesn't say."""
        self.notes.setdefault(kind, Note(text=text, at=self.file.at(node)))

    def unique(self, name: str) -> str:
        """A name for a variable or an allocation that nothing else has."""
        made, number = name, 1
        while made in self.variables or made in self.buffers:
            number += 1
            made = f"{name}_{number}"
        self.variables.add(made)
        return made

    def why_not(self, name: str) -> str:
        """Why a statement is refused."""
        hint = "split=1"
        for known in self.settable | set(self.given):
            if "split" in known:
                hint = f"{known}=1"
        return refusal(name, hint)

    def bound(self, name: str, node: ast.AST, arguments: list[Any], named: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a statement by name."""
        names = SIGNATURES.get(name, ())
        if name == "Parallel":
            names = tuple(f"{number}" for number in range(len(arguments)))
        if len(arguments) > len(names):
            raise self.refuse(f"T.{name} takes {len(names)} arguments, not {len(arguments)}", node)
        ignored = IGNORED.get(name, frozenset())
        for key in named:
            if key not in names and key not in ignored:
                raise self.refuse(f"the argument '{key}' of T.{name} isn't read", node)
        given = dict(zip(names, arguments, strict=False))
        return given | {key: value for key, value in named.items() if key in names}

    def size(self, value: Any, node: ast.AST) -> int:
        """A size in elements."""
        if isinstance(value, Unknown):
            raise refuse_at(value.why, value.at)
        found = self.integer(value, node)
        if not 1 <= found <= 2**31:
            raise self.refuse(f"a size of {found} elements", node)
        if isinstance(value, Dim):
            self.sizes.setdefault(value.name, found)
        return found

    def shape(self, value: Any, node: ast.AST) -> tuple[tuple[int, ...], tuple[int | str, ...]]:
        """Sizes, and their names."""
        items = value if isinstance(value, (tuple, list)) else (value,)
        shape = tuple(self.size(item, node) for item in items)
        if not shape or len(shape) > 8 or prod(shape) > MAX_ELEMENTS:
            raise self.refuse("a shape of 1 to 8 sizes, of a tensor that fits a card, is expected here", node)
        return shape, tuple(item.name if isinstance(item, Dim) else int(item) for item in items)

    def declared_type(self, node: ast.expr, scope: Scope) -> Any:
        """What an annotation declares; None where that is no tensor."""
        value = self.value(node, scope)
        if isinstance(value, Unknown):
            raise refuse_at(value.why, value.at)
        return value if isinstance(value, TensorType) else None

    def tensor(self, name: str, declared: TensorType, node: ast.AST) -> Buffer:
        """A tensor in device memory."""
        if name in self.buffers:
            raise self.refuse(f"'{name}' is declared twice", node)
        shape, dims = self.shape(declared.shape, node)
        dtype = declared.dtype
        if dtype not in FLOATS:
            raise self.refuse(
                f"'{name}' is {dtype}: a spec's dtypes are bfloat16, float32, bfloat8_b and bfloat4_b, and others "
                "have no counterpart",
                node,
            )
        buffer = Buffer(name=name, shape=shape, dims=dims, dtype=dtype, is_tensor=True, at=self.file.at(node))
        self.buffers[name] = buffer
        self.variables.add(name)
        return buffer

    def begin_kernel(self, call: ast.Call, targets: list[ast.expr], scope: Scope) -> None:
        """`T.Kernel`: blocks in one, two or three directions."""
        if self.grid is not None:
            raise self.refuse("a second T.Kernel in one function: import each on its own", call)
        extents = [self.value(item, scope) for item in call.args]
        for keyword in call.keywords:
            if keyword.arg not in ("threads", "prelude", "is_cpu", "cluster_dims", "name"):
                raise self.refuse(f"the argument '{keyword.arg}' of T.Kernel isn't read", keyword.value)
            if keyword.arg == "threads":
                self.note("threads", "threads: a Tensix core has five processors, with work of their own", call)
        grid = []
        for number, extent in enumerate(extents):
            name = f"block_{number}"
            target = targets[number] if number < len(targets) else None
            if isinstance(target, ast.Name):
                name = target.id
            variable = self.unique(name)
            if isinstance(extent, Unknown):
                # The number of cores: only T.Persistent, which gives each unit to one of them, may depend on it.
                grid.append((variable, 1))
                scope.names[name] = extent
                continue
            grid.append((variable, self.size(int(self.integer(extent, call)), call)))
            if isinstance(target, ast.Name):
                scope.names[name] = Variable(variable)
        if not 1 <= len(grid) <= 3 or len(targets) > len(grid):
            raise self.refuse("T.Kernel has one to three extents, and as many variables", call)
        self.grid = tuple(grid)

    def allocate(self, name: str, given: dict[str, Any], node: ast.Call) -> Buffer:
        """A buffer of a block."""
        shape, dims = self.shape(given.get("shape"), node)
        dtype = dtype_name(given.get("dtype"))
        if dtype is None:
            raise self.refuse("a dtype is expected here", node)
        if dtype not in FLOATS:
            raise self.refuse(f"a buffer of {dtype}: whole numbers and bits have no counterpart", node)
        made = self.unique(f"{name.removeprefix('alloc_')}_{len(self.buffers)}")
        self.variables.discard(made)
        buffer = Buffer(name=made, shape=shape, dims=dims, dtype=dtype, is_tensor=False, at=self.file.at(node))
        self.buffers[made] = buffer
        if name == "alloc_reducer":
            if given.get("op", "sum") != "sum":
                raise self.refuse("a reducer of sums is read only", node)
            self.reducers.add(made)
        self.emit(Allocate(buffer=made, at=buffer.at))
        return buffer

    def region(self, value: Any, node: ast.AST, extents: tuple[int, ...] | None = None) -> Region:
        """A part of a buffer; one that is given by its first element is as large as `extents` say."""
        if isinstance(value, Buffer):
            return Region(value.name, tuple(Constant(0) for _size in value.shape), value.shape)
        if not isinstance(value, Indexed):
            raise self.refuse("a buffer, or a part of one, is expected here", node)
        shape = value.buffer.shape
        if not any(isinstance(item, Span) for item in value.items):
            wanted = extents or tuple(1 for _size in shape)
            while len(wanted) > len(shape) and wanted[0] == 1:
                wanted = wanted[1:]
            if len(wanted) > len(shape):
                raise self.refuse(f"{len(wanted)} dimensions in one of {len(shape)}", node)
            wanted = (*(1 for _size in shape[len(wanted) :]), *wanted)
            return Region(value.buffer.name, cast("tuple[Expression, ...]", value.items), wanted)
        starts, sizes = [], []
        for item, size in zip(value.items, shape, strict=True):
            if not isinstance(item, Span):
                starts.append(item)
                sizes.append(1)
                continue
            start = item.start or Constant(0)
            stop = item.stop or Constant(size)
            first, last = affine(start), affine(stop)
            extent = last.minus(first) if first is not None and last is not None else None
            if extent is None or extent.terms or extent.constant < 1:
                raise self.refuse("the length of this span isn't a number that is known", node)
            starts.append(start)
            sizes.append(extent.constant)
        return Region(value.buffer.name, tuple(starts), tuple(sizes))

    def whole(self, value: Any) -> tuple[int, ...] | None:
        """The extents that a value says itself; None where it is only a first element."""
        if isinstance(value, Buffer):
            return value.shape
        if isinstance(value, Indexed) and any(isinstance(item, Span) for item in value.items):
            return self.region(value, ast.Pass()).extents
        return None

    def statement(self, name: str, node: ast.Call, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A statement, or a declaration."""
        if name in ("const", "dynamic", "symbolic"):
            return self.dims(node, arguments)
        given = self.bound(name, node, arguments, named)
        at = self.file.at(node)
        if name in ("Tensor", "Buffer", "empty"):
            dtype = dtype_name(given.get("dtype", "float32"))
            if dtype is None:
                raise self.refuse("a dtype is expected here", node)
            shape = given.get("shape")
            if isinstance(shape, (list, tuple)) and any(isinstance(item, Unknown) for item in shape):
                unknown = next(item for item in shape if isinstance(item, Unknown))
                raise refuse_at(unknown.why, unknown.at)
            return TensorType(shape, dtype)
        if name == "TTShard":
            return Shard(given.get("axis"), str(given.get("placement", "DRAM")), given.get("halo"))
        if not self.in_kernel:
            raise self.refuse(f"T.{name} outside of T.Kernel", node)
        if name.startswith("alloc_"):
            return self.allocate(name, given, node)
        missing = [
            key for key in SIGNATURES[name][:2] if key not in given and key in ("src", "dst", "buffer", "out", "A", "B")
        ]
        if missing:
            raise self.refuse(f"T.{name} needs '{missing[0]}'", node)
        match name:
            case "copy" | "async_copy":
                source, target = given["src"], given["dst"]
                from_target, from_source = self.whole(target), self.whole(source)
                self.emit(Copy(source=self.region(source, node, from_target),
                               target=self.region(target, node, from_source), at=at))  # fmt: skip
            case "fill" | "clear":
                value = self.expression_of(given.get("value", 0), node)
                self.emit(Fill(target=self.region(given["buffer"], node), value=value, at=at))
            case "gemm":
                self.gemm(given, node)
            case "finalize_reducer":
                pass
            case "use_swizzle":
                self.hints, text = panel_of(self.hints, given)
                if text:
                    self.note("use_swizzle", text, node)
            case "annotate_tt_schedule":
                self.hints = self.hinted(lambda: schedule_of(self.hints, given), node)
            case "annotate_tt_sharding":
                self.hints = self.hinted(lambda: sharding_of(self.hints, given), node)
            case "annotate_safe_value":
                self.safe_values(given, node)
            case _ if name in REDUCTIONS or name == "reduce":
                self.reduce(name, given, node)
            case _:
                raise self.refuse(f"T.{name} is a loop: write `for … in T.{name}(…)`", node)
        return None

    def hinted(self, read: Any, node: ast.AST) -> Hints:
        """What an annotation says, or its refusal where it stands."""
        try:
            return cast("Hints", read())
        except ValueError as error:
            raise self.refuse(str(error), node) from None

    def gemm(self, given: dict[str, Any], node: ast.Call) -> None:
        """A product that is added to what its target holds."""
        left, right, target = (self.region(given.get(key), node) for key in ("A", "B", "C"))
        transposed = (bool(given.get("transpose_A", False)), bool(given.get("transpose_B", False)))
        clears = given.get("clear_accum", False)
        if not is_number(clears):
            raise self.refuse(
                "'clear_accum' that depends on the block or the trip isn't read: clear before the loop", node
            )
        if given.get("policy") is not None:
            self.note("policy", "T.GemmWarpPolicy: there are no warps", node)
        gemm = Gemm(
            left=left, right=right, target=target, transposed=transposed, clears=bool(clears), at=self.file.at(node)
        )
        self.emit(gemm)

    def reduce(self, name: str, given: dict[str, Any], node: ast.Call) -> None:
        """A reduction along a dimension."""
        kind = str(given.get("reduce_type")) if name == "reduce" else name
        if kind not in REDUCTIONS:
            raise self.refuse(f"a reduction '{kind}' isn't read: max, min, sum, absmax and abssum are", node)
        function, of_absolutes = REDUCTIONS[kind]
        source, target = self.region(given["buffer"], node), self.region(given["out"], node)
        dim = self.integer(given.get("dim", -1), node)
        rank = len(source.extents)
        if not -rank <= dim < rank:
            raise self.refuse(f"dimension {dim} of {rank}", node)
        self.emit(
            Reduce(
                kind=cast("Any", function), of_absolutes=of_absolutes, source=source, target=target, dim=dim % rank,
                clears=bool(given.get("clear", True)), at=self.file.at(node),
            )
        )  # fmt: skip

    def safe_values(self, given: dict[str, Any], node: ast.Call) -> None:
        """What is read outside of tensors."""
        for buffer, value in given.get("safe_value_map") or ():
            number = self.expression_of(value, node)
            if not isinstance(buffer, Buffer) or not isinstance(number, Constant):
                raise self.refuse("tensors and numbers are expected here", node)
            self.fills[buffer.name] = number.value

    def dims(self, node: ast.Call, arguments: list[Any]) -> Any:
        """Sizes that the caller gives: `T.const("M, N")`."""
        words = [word for item in arguments if isinstance(item, str) for word in item.replace(",", " ").split()]
        found = []
        missing = []
        for word in words:
            if word in self.given:
                self.used.add(word)
                self.settable.add(word)
                found.append(Dim(self.size(self.given[word], node), word))
            else:
                missing.append(word)
        if missing or not words:
            listed = " ".join(f"{word}=…" for word in missing)
            raise self.refuse(f"sizes without a number: --set {listed}", node)
        return found[0] if len(found) == 1 else tuple(found)
