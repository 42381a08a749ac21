"""Random specs for hypothesis: shapes, formulas, dtypes and schedules that a user might write."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st

UNARY = (
    "abs",
    "erf",
    "exp",
    "gelu",
    "leaky_relu",
    "relu",
    "sigmoid",
    "sign",
    "silu",
    "softplus",
    "square",
    "tanh",
    "neg",
)
TAME = tuple(name for name in UNARY if name not in ("exp", "square"))
"""Those that may follow each other as often as there are stages, without an overflow of float64."""
POSITIVE = ("log", "reciprocal", "rsqrt", "sqrt")
BINARY = ("+", "-", "*", "maximum", "minimum")
NUMBERS = ("2", "0.5", "-1.5", "3", "0.25")


@dataclass(frozen=True)
class RandomSpec:
    text: str
    tensors: dict[str, tuple[int, ...]]


class _Formula:
    """Draws an expression and declares the tensors that it reads."""

    def __init__(self, draw: st.DrawFn, shape: tuple[int, ...], budget: int) -> None:
        self.draw = draw
        self.shape = shape
        self.budget = budget
        self.tensors: dict[str, tuple[int, ...]] = {}
        self.made: list[str] = []

    def tensor(self, shape: tuple[int, ...]) -> str:
        same = [name for name, known in self.tensors.items() if known == shape]
        reuse: bool = self.draw(st.booleans())
        if same and reuse:
            return str(self.draw(st.sampled_from(same)))
        name = f"T{len(self.tensors)}"
        self.tensors[name] = shape
        return name

    def leaf(self) -> str:
        shape = self.shape
        if self.draw(st.integers(0, 2)) == 0:
            shape = tuple(1 if self.draw(st.booleans()) else size for size in shape)
            while len(shape) > 1 and shape[0] == 1 and self.draw(st.booleans()):
                shape = shape[1:]
        return self.tensor(shape)

    def expression(self) -> str:
        """An expression; one time in four, one that was made before: values with several uses."""
        reuse: int = self.draw(st.integers(0, 3))
        if self.made and reuse == 0:
            return str(self.draw(st.sampled_from(self.made)))
        text = self.new_expression()
        self.made.append(f"({text})")
        return text

    def new_expression(self) -> str:
        self.budget -= 1
        if self.budget <= 0:
            return self.leaf()
        kind = self.draw(
            st.sampled_from(("leaf", "unary", "positive", "binary", "binary", "number", "divide", "where"))
        )
        if kind == "leaf":
            return self.leaf()
        if kind == "unary":
            name = self.draw(st.sampled_from(UNARY))
            inner = self.expression()
            if name == "neg":
                return f"-({inner})"
            if name == "leaky_relu":
                return f"leaky_relu({inner}, slope=0.125)"
            # Growth is kept in bounds, so that float64 compares well.
            return f"exp(tanh({inner}))" if name == "exp" else f"{name}({inner})"
        if kind == "positive":
            return f"{self.draw(st.sampled_from(POSITIVE))}(square({self.expression()}) + 0.5)"
        if kind == "number":
            number, operator = (
                self.draw(st.sampled_from(NUMBERS)),
                self.draw(st.sampled_from(("+", "-", "*", "maximum", "minimum"))),
            )
            left, right = (number, self.expression()) if self.draw(st.booleans()) else (self.expression(), number)
            return _apply(operator, left, right)
        if kind == "divide":
            if self.draw(st.booleans()):
                return f"({self.expression()}) / 4"
            return f"({self.expression()}) / (abs({self.expression()}) + 1)"
        if kind == "where":
            return f"where({self.leaf()}, {self.expression()}, {self.expression()})"
        return _apply(self.draw(st.sampled_from(BINARY)), self.expression(), self.expression())


def _apply(operator: str, left: str, right: str) -> str:
    return f"{operator}({left}, {right})" if operator.isalpha() else f"({left}) {operator} ({right})"


@st.composite
def specs(draw: st.DrawFn, most: int = 100, *, shared: bool = False) -> RandomSpec:
    """A spec that nearly always is accepted; where `shared`, one whose cores may share what they compute with."""
    side = st.one_of(st.integers(1, most), st.sampled_from((1, 31, 32, 33, 64, 128, 192)))
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    shape = (*batch, draw(side), draw(side))
    formula = _Formula(draw, shape, draw(st.integers(1, 12)))
    depth, operands, transposed = 1, ("", ""), False
    if shared or draw(st.booleans()):
        # Deeper than any ring, often.
        depth = draw(st.one_of(side, st.integers(1, 300)))
        left, right = (*batch, shape[-2], depth), (*batch, depth, shape[-1])
        one_right: bool = draw(st.booleans())
        if batch and one_right:
            right = right[len(batch) :]
        transposed = len(right) == 2 and draw(st.integers(0, 3)) == 0
        operands = formula.tensor(left), formula.tensor(right[::-1] if transposed else right)
        product = " @ ".join(operands) + (".T" if transposed else "")
        epilogue = formula.expression()
        if draw(st.booleans()):
            text = product if draw(st.booleans()) else f"relu({product}) + ({epilogue})"
        else:
            name = draw(st.sampled_from(UNARY[:2]))
            text = f"({epilogue}) * {name}({product})"
    else:
        # A tensor of the whole shape, so that the output has it.
        whole = formula.tensor(shape)
        text = f"({whole}) + ({formula.expression()})"
        if draw(st.booleans()):
            text = f"tanh({text}) * ({formula.expression()})"
    used = {name: sizes for name, sizes in formula.tensors.items() if name in text}
    dtype = st.sampled_from(("bfloat16", "bfloat16", "float32", "bfloat8_b", "bfloat4_b"))
    # Few formulas are zero in the padding of a block float.
    stored = dtype if shape[-1] % 16 == 0 or draw(st.integers(0, 3)) == 0 else st.sampled_from(("bfloat16", "float32"))
    everything = {**used, "Y": shape}
    layouts = dict.fromkeys(everything, "")
    block = ""
    if draw(st.booleans()):
        sides = [
            draw(st.integers(1, min(most_tiles, -(-size // 32))))
            for size, most_tiles in zip((*shape[-2:], depth), (5, 5, 4), strict=True)
        ]
        block = f"block: {{m: {sides[0]}, n: {sides[1]}" + (f", k: {sides[2]}}}" if "@" in text else "}")
    if not shared and draw(st.integers(0, 2)) == 0:
        common = _shards(draw, shape, "any")
        for name, sizes in everything.items():
            wanted = "height" if name == operands[0] else "any"
            if name == operands[1]:
                layouts[name] = draw(
                    st.sampled_from(("", *(() if transposed or name == operands[0] else ("dram_sharded",))))
                )
            elif draw(st.integers(0, 2)):
                same = sizes == shape and (wanted == "any" or "height" in common)
                layouts[name] = common if same and draw(st.booleans()) else _shards(draw, sizes, wanted)
        schedule = [f"order: {draw(st.sampled_from(('row_major', 'column_major')))}"]
        schedule += [block] if block and draw(st.booleans()) else []
    else:
        interleaved = st.sampled_from(("", "", "l1_interleaved"))
        layouts = {name: draw(interleaved) for name in layouts}
        order = draw(st.sampled_from(("row_major", "column_major", "{block_linear: 2}", "{block_linear: 3}")))
        policy = draw(st.sampled_from(("contiguous", "strided", "rectangular")[2 if shared else 0 :]))
        grids = st.sampled_from(("{rows: 3, cols: 5}", "{rows: 8, cols: 8}", "{rows: 1, cols: 7}"))
        if policy == "rectangular":
            order = draw(st.sampled_from(("row_major", "column_major")))
            cores = draw(grids)
        else:
            cores = str(draw(st.one_of(st.integers(1, 64), grids)))
        schedule = [f"policy: {policy}", f"order: {order}", f"cores: {cores}", *([block] if block else [])]
        if policy == "rectangular" and "@" in text:
            schedule += _shared(draw, rows=int(cores[7]), steps=-(-depth // (32 * (sides[2] if block else 1))))
        schedule += [f"buffers: {draw(st.integers(1, 4))}"] if draw(st.integers(0, 3)) == 0 else []
    lines = ["kernel: random", f"target: {draw(st.sampled_from(('n150', 'n150', 'p150')))}", "tensors:"]
    for name, sizes in everything.items():
        layout = f", layout: {layouts[name]}" if layouts[name] else ""
        lines.append(f"  {name}: {{shape: {list(sizes)}, dtype: {draw(stored if name == 'Y' else dtype)}{layout}}}")
    lines += [f"compute: Y = {text}", f"precision: {{accumulate: {draw(st.sampled_from(('float32', 'bfloat16')))}}}"]
    lines += [f"schedule: {{{', '.join(schedule)}}}", ""]
    return RandomSpec("\n".join(lines), used)


def _shared(draw: st.DrawFn, *, rows: int, steps: int) -> list[str]:
    """What cores of a rectangle share of a contraction: operands, read ahead or not, and the sum."""
    multicast = draw(st.sampled_from(("none", "a", "b", "both", "both")))
    shared = [f"multicast: {multicast}"]
    if multicast != "none" and draw(st.booleans()):
        shared.append("prefetch: true")
    if min(rows, steps) > 1 and draw(st.booleans()):
        shared.append(f"split: {draw(st.integers(2, min(rows, steps, 4)))}")
    return shared


def _shards(draw: st.DrawFn, shape: tuple[int, ...], wanted: str) -> str:
    """Shards that divide a tensor, on as many cores as the draw has."""
    *batch, height, width = (1, *shape) if len(shape) == 1 else shape
    rows, cols = -(-height // 32), -(-width // 32)
    for size in batch:
        rows *= size
    split = draw(st.sampled_from(("height", "width", "block"))) if wanted == "any" else wanted
    orientation = draw(st.sampled_from(("row_major", "column_major")))

    def fits(grid: tuple[int, int]) -> bool:
        down, across = {"height": (grid[0] * grid[1], 1), "width": (1, grid[0] * grid[1])}.get(split, grid)
        if split == "block" and orientation == "column_major":
            down, across = across, down
        return rows % down == 0 and cols % across == 0

    grids = [grid for grid in ((r, c) for r in range(1, 9) for c in range(1, 9)) if fits(grid)]
    grid = draw(st.sampled_from(grids))
    where = f"cores: {{rows: {grid[0]}, cols: {grid[1]}}}, orientation: {orientation}"
    return f"{{l1_sharded: {{split: {split}, {where}}}}}"


@st.composite
def staged_specs(draw: st.DrawFn, most: int = 100) -> RandomSpec:
    """A spec of two to four formulas with a product each, which read each other's results whole or element by element."""
    side = st.one_of(st.integers(1, most), st.sampled_from((1, 31, 32, 33, 64, 96)))
    batch = draw(st.sampled_from(((), (), (2,))))
    rows = draw(side)
    shapes: dict[str, tuple[int, ...]] = {"X": (*batch, rows, draw(side))}
    made: list[str] = []
    lines: list[str] = []
    count = draw(st.integers(2, 4))

    def declare(shape: tuple[int, ...]) -> str:
        same = [name for name, known in shapes.items() if known == shape and name not in made]
        again: bool = draw(st.booleans())
        if same and again:
            return str(draw(st.sampled_from(same)))
        name = f"T{len(shapes)}"
        shapes[name] = shape
        return name

    for number in range(count):
        last = number == count - 1
        left = draw(st.sampled_from(("X", *made, made[-1] if made else "X")))
        operand = f"{draw(st.sampled_from(TAME))}({left})" if draw(st.integers(0, 3)) == 0 else left
        width = draw(side)
        shape = (*batch, rows, width)
        right = declare((shapes[left][-1], width))
        if draw(st.integers(0, 3)) == 0:
            # A computed right operand, or one that is another product.
            right = f"({right} + {declare((shapes[left][-1], width))})" if draw(st.booleans()) else right
            inner = draw(side)
            if draw(st.booleans()):
                right = f"({declare((shapes[left][-1], inner))} @ {declare((inner, width))})"
        text = f"{operand} @ {right}"
        if draw(st.booleans()):
            text = f"{draw(st.sampled_from(TAME))}({text})"
        beside = [name for name in made if shapes[name] == shape]
        more: bool = draw(st.booleans())
        if beside and more:
            text = f"{text} + {draw(st.sampled_from(beside))}"
        if draw(st.booleans()):
            text = f"{text} * {declare((width,))}"
        name = "Y" if last else f"H{number}"
        lines.append(f"{name} = {text}")
        shapes[name] = shape
        made.append(name)
    # What nothing reads has to be declared, and some others are.
    text = "\n".join(lines)
    outputs = [name for name in made if name == "Y" or text.count(name) == 1 or draw(st.integers(0, 3)) == 0]
    inputs = [name for name in shapes if name not in made and re.search(rf"\b{name}\b", text)]
    dtype = st.sampled_from(("bfloat16", "bfloat16", "float32", "bfloat8_b"))
    spec = ["kernel: random", f"target: {draw(st.sampled_from(('n150', 'n150', 'p150')))}", "tensors:"]
    for name in (*inputs, *outputs):
        whole = shapes[name][-1] % 16 == 0 or name in inputs
        stored = draw(dtype if whole else st.sampled_from(("bfloat16", "float32")))
        spec.append(f"  {name}: {{shape: {list(shapes[name])}, dtype: {stored}}}")
    spec += ["compute:", *(f"  - {line}" for line in lines)]
    if draw(st.booleans()):
        policy = draw(st.sampled_from(("contiguous", "strided", "rectangular")))
        block = ", ".join(f"{side}: {draw(st.integers(1, 3))}" for side in "mnk")
        spec.append(f"schedule: {{policy: {policy}, block: {{{block}}}}}")
    spec += [f"precision: {{accumulate: {draw(st.sampled_from(('float32', 'bfloat16')))}}}", ""]
    return RandomSpec("\n".join(spec), {name: shapes[name] for name in inputs})
