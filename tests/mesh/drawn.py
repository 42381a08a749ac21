"""Random specs for meshes: layers and reductions whose tensors are cut by what their dimensions are, mostly alike."""

from __future__ import annotations

from hypothesis import strategies as st

MESHES = ((1, 2), (2, 1), (1, 4), (2, 2), (2, 4))
SIZES = {
    "B": (1, 2, 4, 8),
    "M": (32, 64, 40, 256, 8),
    "K": (64, 256, 96, 24),
    "N": (64, 256, 48, 512),
    "P": (128, 256, 6),
}
"""Sizes of dimensions; some of them aren't whole tiles on a device, or aren't divided."""
SHAPES = {
    "X": "BMK", "x": "MK", "W": "KN", "w": "BKN", "V": "NP", "v": "BPN", "b": "N", "c": "P", "r": "1N", "R": "BMN", "S": "MP",
    "s": "M1", "k": "K", "T": "MN",
}  # fmt: skip
"""Tensors, and what their dimensions are."""
HIDDEN = (
    "{a} @ {w}", "relu({a} @ {w} + {bias})", "gelu({a} @ {w}) * {scale}", "({a} * 0.5) @ {w}", "relu({a}) @ {w} - {bias}",
    "{a} @ {w} + {beside}",
)  # fmt: skip
LAST = (
    "{h} @ {v}", "{h} @ {v} + c", "tanh({h} @ {v} + c) * 2", "{h} + {beside}", "sum({h}, axis=-1, keepdims=True)",
    "sum(square({h}), axis=-2, keepdims=True) * 0.5", "max({h}, axis=-1, keepdims=True)", "{h} - mean({h}, axis=-1, keepdims=True)",
    "({h} + 1) @ {v} + c", "({h} @ {v}) * S", "relu({h}) + {h}", "{h} @ {v} + {h2} @ {v}",
)  # fmt: skip


@st.composite
def spec(draw: st.DrawFn) -> str:
    """The text of a spec."""
    rows, cols = draw(st.sampled_from(MESHES))
    sizes = {name: draw(st.sampled_from(options)) for name, options in SIZES.items()}
    batched = draw(st.booleans())
    words = {
        "a": "X" if batched else "x",
        "w": draw(st.sampled_from(("W", "w"))) if batched else "W",
        "v": draw(st.sampled_from(("V", "v.mT"))) if batched else "V",
        "bias": draw(st.sampled_from(("b", "r", "s", "2"))),
        "scale": draw(st.sampled_from(("b", "s"))),
        "beside": draw(st.sampled_from(("R", "T"))) if batched else "T",
        "h": "H",
        "h2": "relu(H)",
    }
    hidden = draw(st.sampled_from(HIDDEN)).format(**words)
    last = draw(st.sampled_from(LAST)).format(**words)
    batch = "B" if batched else ""
    if last.startswith("sum("):
        shape = f"{batch}{'1N' if 'axis=-2' in last else 'M1'}"
    elif last.startswith("max("):
        shape = f"{batch}M1"
    else:
        shape = f"{batch}{'MP' if '@' in last else 'MN'}"
    keeps = draw(st.booleans())
    names = [name for name in SHAPES if any(part == name for part in _words(f"{hidden} {last}"))]
    tensors = {name: SHAPES[name] for name in names} | ({"H": f"{batch}MN"} if keeps else {}) | {"Y": shape}
    # Which dimension rows and columns of devices cut; most tensors that have it are cut along it.
    cuts = [draw(st.sampled_from(("", *dims))) for dims in (("B", "M", "N", "K"), ("N", "N", "K", "P", "M"))]
    # A sum that is scattered is cut otherwise, and so is what goes with it.
    after = [draw(st.sampled_from((cut, "P", "M") if cut in ("N", "K") else (cut,))) for cut in cuts]
    lines = []
    for name, dims in tensors.items():
        own = after if name in ("c", "S", "Y") else cuts
        axes = [dims.find(cut) if cut and cut in dims and draw(st.integers(0, 9)) else -1 for cut in own]
        said = ", ".join(f"{side}: {axis}" for side, axis in zip(("rows", "cols"), axes, strict=True) if axis >= 0)
        where = f", mesh: {{{said}}}" if said else ""
        dtype = "float32" if draw(st.integers(0, 7)) == 0 else "bfloat16"
        shown = ", ".join(str(sizes.get(dim, 1)) for dim in dims)
        lines.append(f"  {name}: {{shape: [{shown}], dtype: {dtype}{where}}}")
    return (
        f"kernel: k\nmesh: {{rows: {rows}, cols: {cols}}}\ntensors:\n" + "\n".join(lines)
        + f"\ncompute:\n  - H = {hidden}\n  - Y = {last}\n"
    )  # fmt: skip


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalpha() else " " for letter in text).split()
