"""Random specs of attention, for hypothesis: queries and keys of all lengths, heads, masks, and what a schedule says."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.random_specs import RandomSpec

_LIKELY = (1, 2, 31, 32, 33, 63, 64, 65, 96, 100)


@st.composite
def random_attention(draw: st.DrawFn, longest: int = 200) -> RandomSpec:
    """A spec, and the shapes of its tensors."""
    size = st.one_of(st.sampled_from(_LIKELY), st.integers(1, longest))
    depth = st.one_of(st.sampled_from((32, 64, 96, 128)), st.integers(1, 140))
    rows, keys, deep, wide = draw(size), draw(size), draw(depth), draw(depth)
    causal = draw(st.booleans())
    if causal:
        rows = min(rows, keys)
    heads = draw(st.sampled_from(((), (1,), (3,), (2, 2), (1, 2, 3))))
    groups = (*heads[:-1], 1) if len(heads) == 3 else heads
    tensors: dict[str, tuple[int, ...]] = {
        "Q": (*heads, rows, deep), "K": (*groups, keys, deep), "V": (*groups, keys, wide), "O": (*heads, rows, wide),
    }  # fmt: skip
    compute: list[str]
    formula = draw(st.sampled_from(("attention", "softmax", "divided")))
    transposed = draw(st.booleans())
    right = "K.mT" if transposed else "K"
    if formula == "attention":
        compute = [f"O = attention(Q, K, V, scale=0.2, causal={causal})"]
    else:
        if not transposed:
            tensors["K"] = (*groups, deep, keys)
        x = draw(st.sampled_from((f"(Q @ {right}) * 0.25", f"Q @ {right} / 4 + M", f"tanh(Q @ {right} * 0.1) * 5.0")))
        if "M" in x:
            tensors["M"] = draw(st.sampled_from(((rows, keys), (1, keys), (rows, 1), (*heads, rows, keys))))
        x = f"causal({x})" if causal else x
        if formula == "softmax":
            compute = [f"O = softmax({x}, axis=-1) @ V"]
        else:
            compute = ["x = " + x, "e = exp(x - max(x, axis=-1, keepdims=True))"]
            compute.append("O = (e @ V) / sum(e, axis=-1, keepdims=True)")
    tiles, key_tiles = -(-rows // 32), -(-keys // 32)
    m, k = draw(st.integers(1, min(tiles, 4))), draw(st.integers(1, min(key_tiles, 4)))
    schedule: list[str] = []
    kind = draw(st.integers(0, 4))
    split = draw(st.sampled_from((2, 3, 4, 8, 16)))
    if kind == 0 and split <= -(-key_tiles // k):
        m = 1
        schedule = [f"split: {split}"]
    elif kind == 1:
        schedule = ["policy: rectangular"] if causal else ["policy: rectangular", "multicast: both"]
    elif kind == 2:
        schedule = [f"cores: {draw(st.integers(1, 20))}"]
    elif kind == 3:
        schedule = [draw(st.sampled_from(("policy: strided", "order: row_major", "buffers: 1", "order: column_major")))]
    schedule.append(f"block: {{m: {m}, k: {k}}}")
    lines = ["kernel: k", "tensors:"]
    dtypes = ("bfloat16", "bfloat16", "bfloat16", "float32")
    lines += [
        f"  {name}: {{shape: [{', '.join(map(str, shape))}], dtype: {draw(st.sampled_from(dtypes))}}}"
        for name, shape in tensors.items()
    ]
    lines += ["compute:", *(f"  - {line}" for line in compute)]
    lines += ["schedule:", *(f"  {line}" for line in schedule), ""]
    return RandomSpec("\n".join(lines), tensors)
