"""Attention over batches and heads, as TileLang's own examples have it: the layouts, the masks, the heads that share keys."""

from __future__ import annotations

HEADER = """\
import tilelang
import tilelang.language as T


"""

TEMPLATE = """\
@tilelang.jit(out_idx=[3])
def attention(batch=2, heads=4, seq=128, dim=32, groups=1, block=32):
    scale = (1.0 / dim) ** 0.5 * 1.44269504
    q_shape, kv_shape = {q_shape}, {kv_shape}

    @T.prim_func
    def main(
        Q: T.Tensor(q_shape, T.bfloat16),
        K: T.Tensor(kv_shape, T.bfloat16),
        V: T.Tensor(kv_shape, T.bfloat16),
        O: T.Tensor(q_shape, T.bfloat16),{lse_tensor}
    ):
        with T.Kernel(T.ceildiv(seq, block), heads, batch, threads=128) as (bx, by, bz):
            q, k, v = T.alloc_shared([block, dim], T.bfloat16), T.alloc_shared([block, dim], T.bfloat16), T.alloc_shared([block, dim], T.bfloat16)
            s, o = T.alloc_fragment([block, block], T.float32), T.alloc_fragment([block, dim], T.float32)
            m, p = T.alloc_fragment([block], T.float32), T.alloc_fragment([block], T.float32)
            r, t, l = T.alloc_fragment([block], T.float32), T.alloc_fragment([block], T.float32), T.alloc_fragment([block], T.float32)
            T.copy({q_block}, q)
            T.fill(o, 0)
            T.fill(l, 0)
            T.fill(m, -T.infinity(T.float32))
            trips = {trips}
            for n in T.Pipelined(trips, num_stages=2):
                T.copy({k_block}, k)
                for i, j in T.Parallel(block, block):
                    s[i, j] = T.if_then_else({mask}, 0, -T.infinity(s.dtype))
                T.gemm(q, k, s, transpose_B=True, policy=T.GemmWarpPolicy.FullRow)
                T.copy(m, p)
                T.fill(m, -T.infinity(T.float32))
                T.reduce_max(s, m, dim=1, clear=False)
                for i in T.Parallel(block):
                    m[i] = T.max(m[i], p[i])
                for i in T.Parallel(block):
                    r[i] = T.exp2(p[i] * scale - m[i] * scale)
                for i, j in T.Parallel(block, block):
                    s[i, j] = T.exp2(s[i, j] * scale - m[i] * scale)
                T.reduce_sum(s, t, dim=1)
                for i in T.Parallel(block):
                    l[i] = l[i] * r[i] + t[i]
                for i, j in T.Parallel(block, dim):
                    o[i, j] *= r[i]
                T.copy({v_block}, v)
                T.gemm(s, v, o)
            for i, j in T.Parallel(block, dim):
                o[i, j] /= l[i]
            T.copy(o, {o_block}){lse_copy}

    return main
"""

_ROWS, _KEYS = "bx * block : (bx + 1) * block", "n * block : (n + 1) * block"
_ALL, _CAUSAL = "n * block + j < seq", "bx * block + i >= n * block + j"


def attention(*, heads_first: bool, causal: bool = False, lse: bool = False) -> str:
    """A file with one kernel.

    Args:
        heads_first: stored as batch, heads, sequence, dim; else as batch, sequence, heads, dim.
        causal: rows see the columns up to their own.
        lse: the logarithm of each row's sum is an output too.
    """

    def block(name: str, rows: str, head: str) -> str:
        return f"{name}[bz, {head}, {rows}, :]" if heads_first else f"{name}[bz, {rows}, {head}, :]"

    def shape(heads: str) -> str:
        return f"[batch, {heads}, seq, dim]" if heads_first else f"[batch, seq, {heads}, dim]"

    text = TEMPLATE.format(
        q_shape=shape("heads"),
        kv_shape=shape("heads // groups"),
        q_block=block("Q", _ROWS, "by"),
        k_block=block("K", _KEYS, "by // groups"),
        v_block=block("V", _KEYS, "by // groups"),
        o_block=block("O", _ROWS, "by"),
        trips="T.ceildiv((bx + 1) * block, block)" if causal else "T.ceildiv(seq, block)",
        mask=_CAUSAL if causal else _ALL,
        lse_tensor="\n        L: T.Tensor([batch, heads, seq], T.float32)," if lse else "",
        lse_copy="\n            for i in T.Parallel(block):\n                l[i] = T.log2(l[i]) + m[i] * scale"
        f"\n            T.copy(l, L[bz, by, {_ROWS}])" if lse else "",
    )  # fmt: skip
    return HEADER + text
