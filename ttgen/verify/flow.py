"""The values of a compute kernel: its operations as a graph, without loops, buffers and DST slots.

What an error may be depends on which operation computes a value (the matrix unit's sum rounds, the vector unit's
doesn't) and through which buffer its operands came (float32 is cut to TF32 unless the buffer unpacks to DST). Both are
read from the kernel's own statements, so that a change of lowering needs no line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from ttgen.dtypes import DTypeName
from ttgen.exhaustive import assert_never
from ttgen.model.body import (
    Body,
    Dst,
    If,
    Let,
    Loop,
    NumberArg,
    Op,
    ReadPage,
    Routine,
    Section,
    Tile,
    WritePage,
    children,
    walk,
)
from ttgen.model.effects import (
    Accumulate,
    Barrier,
    Deliver,
    Effect,
    Fill,
    Operate,
    Page,
    Prepare,
    Raise,
    Reach,
    TakeDst,
    Token,
    Use,
    effects,
)
from ttgen.model.exchange import Multicast, Send
from ttgen.model.index import ZERO, Index, evaluate, names
from ttgen.model.plan import Kernel, Program
from ttgen.model.tiles import Content, FillTile, ReadRow
from ttgen.operations import OPERATIONS
from ttgen.records import dataclass

READ: Final = "read"
"""The kind of a step that is a tensor, as it is stored."""
UNPACK: Final = "unpack"
"""The kind of a step that is float32 on its way through a source register, which holds TF32."""
PACK: Final = "pack"
"""The kind of a step that waits in L1 in fewer bits than DST has."""
CAUSAL: Final = "causal"
"""The kind of a step that is added to scores: nothing, but where a column comes after its row."""
RESCALED: Final = "rescaled"
"""The kind of a step that becomes smaller with every step of keys, as often as its number says."""
ONES: Final = "ones"
"""The kind of a step that masks what is outside of a tensor: of what is inside it is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One value.

    Attributes:
        op: `read`, `unpack`, `pack`, `ones`, or a row of `OPERATIONS`; one that reduces does so along the whole axis.
        operands: earlier steps.
        numbers: operands that follow them, before they are rounded to float32.
        tensor: of a `read`.
        formats: of the tiles that the matrix unit works on, how their buffers hold them.
        in_steps: of a product, whether the packer adds up the steps of K in L1.
        parts: of a product whose K is cut into parts, where each ends, in tiles.
        shape: of what masks by place, its rows and columns.
    """

    op: str
    operands: tuple[int, ...] = ()
    numbers: tuple[float, ...] = ()
    tensor: str = ""
    formats: tuple[DTypeName, ...] = ()
    in_steps: bool = False
    parts: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a compute kernel computes.

    Attributes:
        steps: in order.
        outputs: the step that each output is packed from.
        along: the dimension that reductions go along, counted from the last.
    """

    steps: tuple[Step, ...]
    outputs: Mapping[str, int]
    along: int | None = None


def compute_kernel(program: Program) -> Kernel:
    """The kernel that computes."""
    return next(kernel for kernel in program.kernels if kernel.config is not None)


def flow_of(program: Program, along: int | None = None, scores: tuple[int, ...] = ()) -> Flow:
    """What the compute kernel of a program computes.

    Padding, tiles and cores are of no interest: each statement is gone through once, for all of a tensor.

    Args:
        program: it.
        along: the dimension that its reductions go along.
        scores: rows and columns of what is masked by place.
    """
    kernel = compute_kernel(program)
    assert kernel.config is not None, "a compute kernel has settings"
    tensors = dict(program.resident())
    fills: dict[str, Content] = {}
    for other in program.kernels:
        for item in walk(other.body):
            if isinstance(item, (ReadPage, ReadRow)):
                tensors[item.cb] = item.tensor
            elif isinstance(item, FillTile):
                fills[item.cb] = item.content
    gathered: dict[str, str] = {}
    for other in program.kernels:
        # What cores reduced of their parts of a line goes to a buffer of all parts.
        gathered |= {
            item.cb: item.source
            for item in walk(other.body)
            if isinstance(item, Multicast) and item.source not in tensors and item.cb != item.source
        }
        # What is read ahead goes to the buffer that it is multicast to.
        tensors |= {
            item.cb: tensors[item.source]
            for item in walk(other.body)
            if isinstance(item, Multicast) and item.source in tensors
        }
    sums = frozenset(item.cb for other in program.kernels for item in walk(other.body) if isinstance(item, Send))
    reader = _Reader(
        kernel=kernel,
        tensors=tensors,
        fills=fills,
        scores=scores,
        gathered=gathered,
        stores=frozenset(_stores(program)),
        formats={buffer.name: buffer.dtype for buffer in program.circular_buffers},
        sums=sums,
        parts=_parts(program) if sums else (),
        to_dst=frozenset(
            buffer.name for buffer in program.circular_buffers if buffer.index in kernel.config.unpack_to_dest_fp32
        ),
    )
    reader.go_through(kernel.body)
    outputs = {tensor: reader.packed[cb] for cb, tensor in _stores(program).items() if cb in reader.packed}
    return Flow(steps=tuple(reader.steps), outputs=outputs, along=along)


def _parts(program: Program) -> tuple[int, ...]:
    """Where the parts of K end, in tiles, whose sums are sent to one core."""
    parts = program.work.split
    steps = compute_kernel(program).named_compile_time_args["k_blocks"]
    return tuple((part + 1) * steps // parts * program.work.block.k for part in range(parts))


def _stores(program: Program) -> dict[str, str]:
    """The buffers that tensors may leave the compute kernel through: on shards, or drained by a kernel."""
    found = dict(program.resident())
    for kernel in program.kernels:
        found.update({item.cb: item.tensor for item in walk(kernel.body) if isinstance(item, WritePage)})
    return found


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Goes through the kernel; equal steps are one."""

    kernel: Kernel
    tensors: Mapping[str, str]
    fills: Mapping[str, Content]
    scores: tuple[int, ...]
    gathered: Mapping[str, str]
    stores: frozenset[str]
    formats: Mapping[str, DTypeName]
    to_dst: frozenset[str]
    sums: frozenset[str]
    parts: tuple[int, ...]
    steps: list[Step] = field(default_factory=list)
    known: dict[Step, int] = field(default_factory=dict)
    packed: dict[str, int] = field(default_factory=dict)
    pages: dict[tuple[str, int], int] = field(default_factory=dict)
    parts_packed: dict[str, list[int]] = field(default_factory=dict)
    dst: dict[Index, int] = field(default_factory=dict)
    reduced: set[int] = field(default_factory=set)
    block: int | None = None
    adds: bool = False

    def go_through(self, body: Body) -> None:
        """All statements, those of a loop once."""
        for statement in body:
            match statement:
                case Loop(body=inner):
                    self.go_through(inner)
                case Section(math=math, pack=pack):
                    self.dst, self.block = {}, None
                    self.go_through(math)
                    self.go_through(pack)
                case If() | Routine():
                    for inner in children(statement):
                        self.go_through(inner)
                case Let():
                    pass
                case _:
                    for effect in effects(statement):
                        self.take(effect)

    def take(self, effect: Effect) -> None:
        """What a statement does to DST and to buffers."""
        match effect:
            case Operate(op=op):
                self.operate(op)
            case Fill(cb=cb, slot=slot, by="packer"):
                if slot is not None:
                    self.pages[cb, self.page(slot)] = self.packed[cb]
            case TakeDst(slot=slot, cb=cb):
                held = self.slot(slot)
                if cb not in self.stores and self.wide and self.formats[cb] != "float32":
                    held = self.add(Step(op=PACK, operands=(held,), formats=(self.formats[cb],)))
                self.packed[cb] = held
                self.parts_packed.setdefault(cb, []).append(held)
            case Accumulate(index=index):
                self.adds = index != ZERO
            case Token() | Page() | Fill() | Use() | Barrier() | Deliver() | Raise() | Reach() | Prepare():
                pass
            case _:
                assert_never(effect)

    def operate(self, op: Op) -> None:
        """One operation; a copy is what it copies."""
        operands = [self.operand(source, op) for source in op.sources if not isinstance(source, NumberArg)]
        if operands and OPERATIONS[op.name].function == "identity":
            self.dst[op.dst] = operands[0]
            return
        operation = OPERATIONS[op.name]
        if operation.reduces is not None:
            if self.dst.get(op.dst) in self.reduced:
                return  # the same sum, of another tile
            # A fold's first operand is its result so far, a reduction's second what it multiplies tiles by.
            operands = operands[:1] if operation.engine == "fpu" and operation.within else operands
            operands = operands[1:] if operation.engine == "sfpu" else operands
        if op.onto:
            # What one step of keys adds is multiplied in each later one.
            sizes = self.kernel.named_compile_time_args
            times = float(-(-sizes["Kt"] // sizes["block_k"]) + sizes.get("parts", 0))
            operands = [self.add(Step(op=RESCALED, operands=(operands[0],), numbers=(times,))), *operands[1:]]
        step = self.add(
            Step(
                op=op.name,
                operands=tuple(operands),
                numbers=tuple(self.kernel.numbers[number.name] for number in op.numbers),
                formats=tuple(self.formats[tile.cb] for tile in op.tiles),
                in_steps=self.adds,
                parts=self.parts if OPERATIONS[op.name].contracts else (),
            )
        )
        if op.onto:
            step = self.onto(op, step)
        self.dst[op.dst] = step
        if operation.reduces is not None:
            self.reduced.add(step)
        if op.block is not None:
            self.block = step

    def onto(self, op: Op, step: int) -> int:
        """What comes on top of what is in a slot."""
        if op.block is None:
            return self.add(Step(op="add_dst", operands=(step, self.dst[op.dst])))
        # All slots of the block hold the same, whatever their number is called.
        made = self.add(Step(op="add_dst", operands=(step, list(self.dst.values())[-1])))
        self.dst = {}
        return made

    def operand(self, source: Tile | Dst, op: Op) -> int:
        """The value of a tile or a slot."""
        if isinstance(source, Dst):
            return self.slot(source.slot)
        cb = source.cb
        if cb in self.sums:
            # Other parts of the sum that the product is.
            return next(index for index, step in enumerate(self.steps) if step.parts)
        if cb in self.gathered:
            # Each core has a page of its own for each value, and values have the same order everywhere.
            page = self.page(source.slot)
            own = self.gathered[cb]
            held = self.pages[own, page] if (own, page) in self.pages else self.parts_packed[own][page]
        elif cb in self.packed:
            held = self.pages.get((cb, self.page(source.slot)), self.packed[cb])
        elif cb in self.fills:
            held = self.add(self.filled(self.fills[cb]))
        else:
            held = self.add(Step(op=READ, tensor=self.tensors[cb]))
        # A product's operands are cut to the bits that its phases use, which is its own error.
        if self.formats[cb] != "float32" or cb in self.to_dst or OPERATIONS[op.name].contracts:
            return held
        return self.add(Step(op=UNPACK, operands=(held,)))

    def filled(self, content: Content) -> Step:
        """What a kernel that moves data fills a tile with, of what is inside of its tensors."""
        match content:
            case "zeros" | "row_bias":
                return Step(op="zero")
            case "causal_bias":
                return Step(op=CAUSAL, shape=self.scores)
            case "row_scaler" | "col_scaler" | "row_mask" | "col_mask":
                return Step(op=ONES)
            case _:
                assert_never(content)

    def page(self, slot: Index) -> int:
        """The page of a buffer that a statement has in the first trip of all loops."""
        return evaluate(slot, {**dict.fromkeys(names(slot), 0), **self.kernel.named_compile_time_args})

    def slot(self, dst: Index) -> int:
        """What is in a slot; all slots hold the block's product where the section computes one, until it is used."""
        return self.dst[dst] if self.block is None or dst in self.dst else self.block

    @property
    def wide(self) -> bool:
        """Whether DST has 32 bits."""
        assert self.kernel.config is not None, "a compute kernel has settings"
        return self.kernel.config.fp32_dest_acc

    def add(self, step: Step) -> int:
        """The number of a step."""
        if step not in self.known:
            self.known[step] = len(self.steps)
            self.steps.append(step)
        return self.known[step]
