"""TileLang's statements: their arguments by name, what of them is left out of a spec, and what is refused and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SIGNATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "copy": ("src", "dst"),
    "async_copy": ("src", "dst"),
    "fill": ("buffer", "value"),
    "clear": ("buffer",),
    "gemm": ("A", "B", "C", "transpose_A", "transpose_B", "policy", "clear_accum", "k_pack", "wg_wait"),
    "reduce": ("buffer", "out", "reduce_type", "dim", "clear"),
    "reduce_max": ("buffer", "out", "dim", "clear"),
    "reduce_min": ("buffer", "out", "dim", "clear"),
    "reduce_sum": ("buffer", "out", "dim", "clear"),
    "reduce_abssum": ("buffer", "out", "dim", "clear"),
    "reduce_absmax": ("buffer", "out", "dim", "clear"),
    "alloc_shared": ("shape", "dtype", "scope"),
    "alloc_fragment": ("shape", "dtype", "scope"),
    "alloc_local": ("shape", "dtype", "scope"),
    "alloc_reducer": ("shape", "dtype", "op", "replication"),
    "finalize_reducer": ("reducer",),
    "Tensor": ("shape", "dtype", "scope"),
    "Buffer": ("shape", "dtype"),
    "empty": ("shape", "dtype"),
    "use_swizzle": ("panel_size", "order", "enable"),
    "annotate_layout": ("layout_map",),
    "annotate_safe_value": ("safe_value_map",),
    "annotate_l2_hit_ratio": ("ratio_map",),
    "annotate_tt_schedule": ("policy", "order", "rect", "stride", "chunk_k_tiles"),
    "annotate_tt_sharding": ("sharding",),
    "TTShard": ("axis", "tiles", "placement", "halo"),
    "serial": ("start", "stop", "step"),
    "unroll": ("start", "stop", "step"),
    "vectorized": ("start", "stop"),
    "Pipelined": ("start", "stop", "num_stages"),
    "Persistent": ("domain", "wave_size", "index", "group_size"),
}
"""The arguments of each statement, in their order."""

IGNORED: Final[Mapping[str, frozenset[str]]] = {
    "copy": frozenset({"coalesced_width", "disable_tma", "eviction_policy", "loop_layout", "annotations",
                       "prefer_instruction"}),
    "gemm": frozenset({"mbar", "annotations"}),
    "Pipelined": frozenset({"order", "stage", "sync", "group"}),
    "unroll": frozenset({"explicit", "unroll_factor", "annotations"}),
    "serial": frozenset({"annotations"}),
    "Parallel": frozenset({"coalesced_width", "loop_layout", "annotations", "prefer_async"}),
    "annotate_layout": frozenset({"allow_reannotation", "allow_buffer_region"}),
}  # fmt: skip
"""Arguments that say how, not what."""

REDUCTIONS: Final[Mapping[str, tuple[str, bool]]] = {
    "reduce_max": ("max", False), "reduce_min": ("min", False), "reduce_sum": ("sum", False),
    "reduce_abssum": ("sum", True), "reduce_absmax": ("max", True), "max": ("max", False), "min": ("min", False),
    "sum": ("sum", False), "abssum": ("sum", True), "absmax": ("max", True),
}  # fmt: skip
"""What is reduced, and whether absolute values are."""

NOTES: Final[Mapping[str, str]] = {
    "annotate_layout": "layouts of shared memory: tiles have one",
    "annotate_l2_hit_ratio": "hints to a cache that the card hasn't",
    "disable_warp_group_reg_alloc": "registers of warps: Tensix cores have none",
    "no_set_max_nreg": "registers of warps: Tensix cores have none",
    "set_max_nreg": "registers of warps: Tensix cores have none",
    "assume": "assumptions for a compiler: shapes are numbers here",
    "device_assert": "assertions while the kernel runs: `ttgen verify` compares every output",
    "print": "printing while the kernel runs",
}
"""Statements that change no value, and why a spec has none of them."""

_ATOMIC: Final = (
    "parts of a sum on several cores add up through memory, which cores here don't do: give each output to one block, "
    "such as with --set {hint}"
)
_THREADS: Final = "threads and their barriers have no counterpart: say it by T.Parallel, T.copy, T.gemm and T.reduce_*"
_OF_THREADS: Final = "thread barrier sync ws warp shfl mbar tma tcgen05 tmem wgmma cluster fence lane pdl".split()
_DTYPES: Final = "bits and other dtypes than floats have no counterpart"


def refusal(name: str, hint: str = "split=1") -> str:
    """Why a statement is refused, and what would serve."""
    if name.startswith("atomic"):
        return f"T.{name}: {_ATOMIC.format(hint=hint)}"
    if any(word in name for word in _OF_THREADS):
        return f"T.{name}: {_THREADS}"
    if any(word in name for word in ("reinterpret", "shift", "bitwise", "popcount", "view", "reshape")):
        return f"T.{name}: {_DTYPES}"
    if name in ("gemm_sp", "gemm_sp_v2", "wgmma_gemm", "gemm_blockscaled"):
        return f"T.{name}: sparse and block-scaled products have no counterpart: use T.gemm"
    if name.startswith(("cumsum", "cummax", "scan")):
        return f"T.{name}: a running sum has no counterpart in formulas"
    if name in ("im2col", "c2d_im2col"):
        return (
            "T.c2d_im2col: a convolution isn't a product of stored tensors: unfold the input first, and import T.gemm"
        )
    if name.startswith("alloc"):
        return f"T.{name}: allocate with T.alloc_shared or T.alloc_fragment"
    return f"T.{name} has no counterpart: what is read is in the table of docs/importing.md"
