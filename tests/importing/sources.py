"""TileLang kernels as they are written, which import, and what tests take them for; no TileLang is needed to read them."""

from __future__ import annotations

HEADER = """\
import tilelang
import tilelang.language as T

bf = "bfloat16"
f32 = "float32"


"""

GEMM = """\
@T.prim_func
def gemm(A: T.Tensor((256, 256), bf), B: T.Tensor((256, 256), bf), C: T.Tensor((256, 256), bf)):
    with T.Kernel(8, 8, threads=128) as (bx, by):
        a, b, c = T.alloc_shared((32, 32), bf), T.alloc_shared((32, 32), bf), T.alloc_fragment((32, 32), f32)
        T.clear(c)
        for k in T.Pipelined(8, num_stages=2):
            T.copy(A[by * 32, k * 32], a)
            T.copy(B[k * 32, bx * 32], b)
            T.gemm(a, b, c)
        T.copy(c, C[by * 32, bx * 32])
"""

LINEAR = """\
@tilelang.jit
def linear(X, W, bias, bm: int = 128, bn: int = 96, bk: int = 64):
    M, K, N = T.const("M, K, N")
    X: T.Tensor((M, K), T.bfloat16)
    W: T.Tensor((N, K), T.bfloat16)
    bias: T.Tensor((N,), T.bfloat16)
    Y = T.empty((M, N), T.bfloat16)
    with T.Kernel(T.ceildiv(N, bn), T.ceildiv(M, bm), threads=256) as (bx, by):
        x, w = T.alloc_shared((bm, bk), T.bfloat16), T.alloc_shared((bn, bk), T.bfloat16)
        v, y = T.alloc_shared((bn,), T.bfloat16), T.alloc_fragment((bm, bn), T.float32)
        T.use_swizzle(4, order="column")
        T.clear(y)
        for k in T.Pipelined(T.ceildiv(K, bk), num_stages=3):
            T.copy(X[by * bm, k * bk], x)
            T.copy(W[bx * bn, k * bk], w)
            T.gemm(x, w, y, transpose_B=True)
        T.copy(bias[bx * bn], v)
        for i, j in T.Parallel(bm, bn):
            y[i, j] = T.max(y[i, j] + v[j], 0)
        T.copy(y, Y[by * bm, bx * bn])
    return Y
"""

SILU_MUL = """\
def silu_mul(M=300, N=500, bm=64, bn=128):
    @T.prim_func
    def main(G: T.Tensor((M, N), bf), U: T.Tensor((M, N), bf), Y: T.Tensor((M, N), bf)):
        with T.Kernel(T.ceildiv(N, bn), T.ceildiv(M, bm), threads=128) as (bx, by):
            for i, j in T.Parallel(bm, bn):
                g = T.cast(G[by * bm + i, bx * bn + j], f32)
                Y[by * bm + i, bx * bn + j] = g / (1.0 + T.exp(-g)) * U[by * bm + i, bx * bn + j]
    return main
"""

SOFTMAX = """\
def softmax(M=1024, N=640, bm=32):
    @T.prim_func
    def main(X: T.Tensor((M, N), f32), Y: T.Tensor((M, N), f32)):
        with T.Kernel(T.ceildiv(M, bm), threads=128) as bx:
            x, e = T.alloc_fragment((bm, N), f32), T.alloc_fragment((bm, N), f32)
            m, s = T.alloc_fragment((bm,), f32), T.alloc_fragment((bm,), f32)
            T.copy(X[bx * bm, 0], x)
            T.reduce_max(x, m, dim=1)
            for i, j in T.Parallel(bm, N):
                e[i, j] = T.exp2((x[i, j] - m[i]) * 1.4426950408889634)
            T.reduce_sum(e, s, dim=1)
            for i, j in T.Parallel(bm, N):
                e[i, j] = e[i, j] / s[i]
            T.copy(e, Y[bx * bm, 0])
    return main
"""

FLASH = """\
def flash(S=512, D=64, bm=64, bn=64, scale=0.125 * 1.4426950408889634):
    @T.prim_func
    def main(Q: T.Tensor((S, D), bf), K: T.Tensor((S, D), bf), V: T.Tensor((S, D), bf), O: T.Tensor((S, D), bf)):
        with T.Kernel(T.ceildiv(S, bm), threads=128) as bx:
            q, k, v = T.alloc_shared((bm, D), bf), T.alloc_shared((bn, D), bf), T.alloc_shared((bn, D), bf)
            s, o = T.alloc_fragment((bm, bn), f32), T.alloc_fragment((bm, D), f32)
            m, p = T.alloc_fragment((bm,), f32), T.alloc_fragment((bm,), f32)
            t, l = T.alloc_fragment((bm,), f32), T.alloc_fragment((bm,), f32)
            T.copy(Q[bx * bm, 0], q)
            T.clear(o)
            T.clear(l)
            T.fill(m, -T.infinity(f32))
            for n in T.Pipelined(T.ceildiv(S, bn), num_stages=2):
                T.copy(K[n * bn, 0], k)
                T.copy(V[n * bn, 0], v)
                T.clear(s)
                T.gemm(q, k, s, transpose_B=True)
                T.copy(m, p)
                T.reduce_max(s, m, dim=1, clear=False)
                for i, j in T.Parallel(bm, bn):
                    s[i, j] = T.exp2((s[i, j] - m[i]) * scale)
                T.reduce_sum(s, t, dim=1)
                for i in T.Parallel(bm):
                    l[i] = l[i] * T.exp2((p[i] - m[i]) * scale) + t[i]
                for i, j in T.Parallel(bm, D):
                    o[i, j] = o[i, j] * T.exp2((p[i] - m[i]) * scale)
                T.gemm(s, v, o)
            for i, j in T.Parallel(bm, D):
                o[i, j] = o[i, j] / l[i]
            T.copy(o, O[bx * bm, 0])
    return main
"""

SPLITK = """\
def splitk(M=256, N=256, K=4096, bm=64, bn=64, bk=32, split=4):
    @T.prim_func
    def main(A: T.Tensor((M, K), bf), B: T.Tensor((K, N), bf), C: T.Tensor((M, N), f32)):
        with T.Kernel(T.ceildiv(N, bn), T.ceildiv(M, bm), split, threads=128) as (bx, by, bz):
            a, b, c = T.alloc_shared((bm, bk), bf), T.alloc_shared((bk, bn), bf), T.alloc_fragment((bm, bn), f32)
            T.clear(c)
            for k in T.Pipelined(K // split // bk, num_stages=1):
                T.copy(A[by * bm, bz * (K // split) + k * bk], a)
                T.copy(B[bz * (K // split) + k * bk, bx * bn], b)
                T.gemm(a, b, c)
            for i, j in T.Parallel(bm, bn):
                T.atomic_add(C[by * bm + i, bx * bn + j], c[i, j])
    return main
"""

ONLINE = """\
def online(M=128, N=512, bm=32, bn=128):
    @T.prim_func
    def main(X: T.Tensor((M, N), f32), Y: T.Tensor((M, N), f32)):
        with T.Kernel(T.ceildiv(M, bm), threads=128) as bx:
            x, e = T.alloc_fragment((bm, bn), f32), T.alloc_fragment((bm, bn), f32)
            m, s, lse = T.alloc_fragment((bm,), f32), T.alloc_fragment((bm,), f32), T.alloc_fragment((bm,), f32)
            T.fill(lse, -T.infinity(f32))
            for k in T.Pipelined(T.ceildiv(N, bn)):
                T.copy(X[bx * bm, k * bn], x)
                T.reduce_max(x, m, dim=1)
                for i, j in T.Parallel(bm, bn):
                    e[i, j] = T.exp(x[i, j] - m[i])
                T.reduce_sum(e, s, dim=1)
                for i in T.Parallel(bm):
                    lse[i] = m[i] + T.log(T.exp(lse[i] - m[i]) + s[i])
            for k in T.Pipelined(T.ceildiv(N, bn)):
                T.copy(X[bx * bm, k * bn], x)
                for i, j in T.Parallel(bm, bn):
                    e[i, j] = T.exp(x[i, j] - lse[i])
                T.copy(e, Y[bx * bm, k * bn])
    return main
"""

RMS = """\
def rms(M=100, N=200, bm=32, bn=64, eps=1e-6):
    @T.prim_func
    def main(X: T.Tensor((M, N), bf), g: T.Tensor((N,), bf), Y: T.Tensor((M, N), bf)):
        with T.Kernel(T.ceildiv(M, bm)) as bx:
            x, q = T.alloc_shared((bm, bn), bf), T.alloc_fragment((bm, bn), f32)
            w, r = T.alloc_shared((bn,), bf), T.alloc_fragment((bm,), f32)
            T.clear(q)
            for k in T.serial(T.ceildiv(N, bn)):
                T.copy(X[bx * bm, k * bn], x)
                for i, j in T.Parallel(bm, bn):
                    q[i, j] += x[i, j] * x[i, j]
            T.reduce_sum(q, r, dim=1)
            for i in T.Parallel(bm):
                r[i] = T.rsqrt(r[i] / N + eps)
            for k in T.serial(T.ceildiv(N, bn)):
                T.copy(X[bx * bm, k * bn], x)
                T.copy(g[k * bn], w)
                for i, j in T.Parallel(bm, bn):
                    x[i, j] = x[i, j] * r[i] * w[j]
                T.copy(x, Y[bx * bm, k * bn])
    return main
"""

SIX = {"gemm": GEMM, "linear": LINEAR, "silu_mul": SILU_MUL, "softmax": SOFTMAX, "flash": FLASH, "splitk": SPLITK}
"""By name."""

ALL = SIX | {"online": ONLINE, "rms": RMS}


def source(*kernels: str) -> str:
    """A file of some kernels."""
    return HEADER + "\n\n".join(kernels)
