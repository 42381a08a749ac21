"""Random specs of programs that reduce, for hypothesis: every axis, lines of all lengths, and what a schedule says of them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.random_specs import RandomSpec

_LIKELY = (1, 16, 31, 32, 33, 64, 65, 96)


class _Formula:
    """Draws expressions over a whole tensor, and over what is left of it along an axis."""

    def __init__(self, draw: st.DrawFn, shape: tuple[int, ...], axis: int) -> None:
        self.draw, self.axis = draw, axis
        place = axis % len(shape)
        flat = tuple(1 if dim == place else size for dim, size in enumerate(shape))
        vector = tuple(size if dim == place else 1 for dim, size in enumerate(shape))
        # A row vector needs no other dimensions.
        self.all = {"X": shape, "W": shape, "v": vector[-1:] if place == len(shape) - 1 else vector, "c": flat}
        self.tensors: dict[str, tuple[int, ...]] = {}

    @property
    def along(self) -> str:
        return f"axis={self.axis}, keepdims=True"

    def tensor(self, *names: str) -> str:
        name = str(self.draw(st.sampled_from(names)))
        self.tensors[name] = self.all[name]
        return name

    def whole(self, depth: int) -> str:
        """Varies along the axis, nearly always."""
        kind = self.draw(st.integers(0, 6)) if depth else 0
        if kind == 0:
            return self.tensor("X", "X", "X", "W", "v", "c")
        if kind == 1:
            name = self.draw(st.sampled_from(("exp", "tanh", "relu", "square", "abs", "sigmoid")))
            return f"{name}(tanh({self.whole(depth - 1)}))"
        if kind == 2:
            return f"({self.whole(depth - 1)} / (1 + square({self.flat(depth - 1)})))"
        if kind == 3:
            return f"maximum({self.whole(depth - 1)}, {self.whole(depth - 1)})"
        if kind == 4:
            return self.flat(depth - 1)
        operator = self.draw(st.sampled_from("+-*"))
        return f"({self.whole(depth - 1)} {operator} {self.whole(depth - 1)})"

    def flat(self, depth: int) -> str:
        """One place along the axis."""
        if depth > 0 and self.draw(st.integers(0, 3)) == 0:
            return f"({self.flat(depth - 1)} {self.draw(st.sampled_from('+-*'))} {self.flat(depth - 1)})"
        name = self.draw(st.sampled_from(("sum", "mean", "max", "min")))
        return f"{name}({self.whole(max(depth - 1, 0))}, {self.along})"

    def known(self) -> str:
        """What people write."""
        kind = self.draw(st.integers(0, 5))
        x = self.tensor("X")
        if kind == 0:
            return f"softmax({x}, axis={self.axis})"
        if kind == 1:
            return f"log_softmax({x}, axis={self.axis})"
        if kind == 2:
            return f"rmsnorm({x}, {self.tensor('v')}, axis={self.axis}, eps=0.01)"
        if kind == 3:
            return f"layernorm({x}, {self.tensor('v')}, {self.tensor('v', 'W')}, axis={self.axis}, eps=0.01)"
        if kind == 4:
            return f"sum(log_softmax({x}, axis={self.axis}) * {self.tensor('W')}, {self.along})"
        return f"({x} - mean({x}, {self.along})) / (max({x}, {self.along}) - min({x}, {self.along}) + 1)"


@st.composite
def row_specs(draw: st.DrawFn, most: int = 100) -> RandomSpec:
    """A spec that reduces along one axis, and is accepted more often than not."""
    side = st.one_of(st.integers(1, most), st.sampled_from(_LIKELY))
    shape = (*draw(st.lists(st.integers(1, 3), max_size=2)), draw(side), draw(side))
    axis = draw(st.one_of(st.sampled_from((-1, -1, -2)), st.integers(-len(shape), -1)))
    size = shape[axis]
    if size == 1 and draw(st.integers(0, 9)):
        # Of one place there is nothing to reduce.
        size = draw(st.integers(2, most if axis >= -2 else 5))
        shape = tuple(size if dim == axis % len(shape) else other for dim, other in enumerate(shape))
    formula = _Formula(draw, shape, axis)
    whole: bool = draw(st.booleans())
    kind = draw(st.integers(0, 2))
    if kind == 0:
        text = formula.known()
        whole = not text.startswith("sum")
    elif whole:
        text = f"{formula.tensor('X')} * {formula.flat(2)} + {formula.whole(2)}"
    else:
        text = f"{formula.flat(2)} + sum({formula.tensor('X')}, {formula.along})"
    output = shape if whole else tuple(1 if dim == axis % len(shape) else size for dim, size in enumerate(shape))
    rows, cols = (-(-size // 32) for size in shape[-2:])
    tiles = size if axis < -2 else -(-size // 32)
    block = {
        side: draw(st.integers(1, min(limit, 4)))
        for side, limit in (("m", 1 if axis == -2 else rows), ("n", 1 if axis == -1 else cols), ("k", tiles))
        if draw(st.integers(0, 2)) == 0
    }
    schedule = [f"block: {{{', '.join(f'{side}: {number}' for side, number in block.items())}}}"] if block else []
    steps = -(-tiles // block.get("k", 1))
    if block.keys() <= {"k"} and steps > 1 and draw(st.booleans()):
        schedule.append(f"split: {draw(st.integers(2, min(steps, 8)))}")
    elif draw(st.integers(0, 2)) == 0:
        schedule.append("policy: rectangular, cores: {rows: 2, cols: 3}")
    elif draw(st.integers(0, 2)) == 0:
        schedule.append(f"policy: strided, cores: {draw(st.integers(1, 20))}")
    if size > 1 and draw(st.booleans()):
        schedule.append(f"keep: {draw(st.sampled_from(('values', 'inputs', 'nothing')))}")
    if draw(st.integers(0, 3)) == 0:
        schedule.append("order: column_major")
    dtype = st.sampled_from(draw(st.sampled_from((("bfloat16",), ("bfloat16", "float32", "bfloat8_b"), ("float32",)))))
    lines = ["kernel: random", f"target: {draw(st.sampled_from(('n150', 'n150', 'p150')))}", "tensors:"]
    for name, sizes in {**formula.tensors, "Y": output}.items():
        # What is left of lines, or ragged, has no whole group of neighbours.
        stored = draw(dtype)
        stored = "bfloat16" if name == "Y" and stored == "bfloat8_b" else stored
        layout = ", layout: l1_interleaved" if draw(st.integers(0, 3)) == 0 else ""
        lines.append(f"  {name}: {{shape: {list(sizes)}, dtype: {stored}{layout}}}")
    lines += [f"compute: Y = {text}", *([f"schedule: {{{', '.join(schedule)}}}"] if schedule else []), ""]
    return RandomSpec("\n".join(lines), formula.tensors)
