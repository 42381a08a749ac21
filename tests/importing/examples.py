"""How many of TileLang's own examples import, and why the others don't: `python -m tests.importing.examples CHECKOUT`.

The examples aren't part of this repository: CHECKOUT is one of github.com/tile-ai/tilelang. Parameters without a default get
the values below. With `--write`, the tables of docs/importing.md are made anew.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ttgen.errors import SpecError
from ttgen.importing.importer import import_text
from ttgen.importing.reader import candidates
from ttgen.importing.text import parse

PAGE = Path(__file__).parents[2] / "docs/importing.md"
DTYPES = {"float16": "bfloat16", "float64": "float32"}

VALUES: tuple[tuple[str, Any], ...] = (
    (r".*accum.*", "float32"),
    (r".*dtype.*|[a-z]+_type", "bfloat16"),
    (
        r"is_\w+|trans\w*|use_\w+|with_\w+|enable\w*|skip\w*|cache\w*|has_\w+|initial\w*|output_\w+|store\w*|causal",
        False,
    ),
    (r".*backend.*", "auto"),
    (r".*thread.*", 128),
    (r".*stage.*", 2),
    (r"(block|blk)_?k|bk", 32),
    (r"block.*|blk.*|b[mn]|chunk.*", 64),
    (r".*split.*", 1),
    (r".*scale.*", 0.125),
    (r"kv_group\w*|groups?|kv_head_num|hc|stride|dilation|padding|[sp]_", 1),
    (r"head_kv|kv_heads?", 2),
    (r"batch\w*|b|z", 2),
    (r".*head.*|h|hq|hv", 4),
    (r"pe_dim|d_tail|dim_plus_tail\w*", 64),
    (r".*dim.*|d|dk|dv", 64),
    (r"topk", 64),
)
"""Values of parameters that have none, by their names; 256 of any other."""

OVERRIDES: dict[str, dict[str, Any]] = {
    "deepseek_mla": {"heads": 64, "dim": 128, "kv_head_num": 1, "kv_heads": 1, "block_H": 64, "num_split": 1},
    "convolution": {"S": 1, "D": 1, "P": 1, "N": 2, "C": 32, "H": 16, "W": 16, "F": 64, "K": 3},
    "analyze/example_conv_analyze.py": {"S": 1, "D": 1, "P": 1, "N": 2, "C": 32, "H": 16, "W": 16, "F": 64, "K": 3},
    "gemm_fp8": {"dtype": "float8_e4m3fn", "in_dtype": "float8_e4m3fn"},
    "gemm/example_gemm_intrinsics.py": {"in_dtype": "float16", "out_dtype": "float16", "accum_dtype": "float32"},
    "gemm_int4": {"in_dtype": "int8", "out_dtype": "int32", "accum_dtype": "int32"},
    "bitnet-1.58b": {"in_dtype": "int8", "out_dtype": "int32", "accum_dtype": "int32"},
    "deepseek_v32/sparse_mla": {"dim": 512, "tail_dim": 64, "D": 512, "topk": 128, "kv_group": 1},
    "deepseek_v4": {"h": 64, "d": 512, "topk": 64},
    "dsa_sparse_finetune": {"dim": 512, "tail_dim": 64, "topk": 64},
    "dequantize_gemm": {"in_dtype": "float16", "out_dtype": "float16", "accum_dtype": "float32", "num_bits": 4},
    "deepseek_deepgemm": {"in_dtype": "float8_e4m3fn", "out_dtype": "bfloat16"},
    "deepseek_mla/example_mla_decode_paged.py": {"h_kv": 1, "h_q": 64, "block_size": 64, "dv": 128, "dpe": 64},
    "gemm_tcgen05": {"M": 4096, "N": 4096, "K": 4096, "block_K": 64, "block_M": 128, "block_N": 128},
    "warp_specialize/example_warp_specialize_flashmla.py": {"kv_head_num": 1, "heads": 128, "dim": 512, "pe_dim": 64},
    "aws": {
        "seq_len": 1024,
        "block_M": 128,
        "block_N": 128,
        "M": 1024,
        "N": 1024,
        "K": 1024,
        "seq_q": 1024,
        "seq_kv": 1024,
        "dim": 128,
    },
    "flash_attention_sm100": {"seq_len": 512, "dim": 128},
}
"""Values that single files need, by the beginnings of their paths."""

_NO_WORD = (
    r"an index (?:that isn't|as a)|.*by an index that the result has not|.*axes don't line up|.*in several ways|of masks|"
    r".*isn't followed|a choice by places|'\w+' is (?:read|used|written)|a part of a buffer|blocks that do|.*one place of|"
    r"T\.cumsum|a buffer that holds nothing|a value that|.*two places|a size of|a reduction of|the length of this span"
)
_NUMBERS = r".* is (?:u?int|bool|float[468])|a buffer of |an index from data"
_MACHINES = r"T\.\w+: (?:threads|sparse and)|ws has|T\.alloc_(?:global|var)|.*(?:get_thread_binding|barrier|tmem|warp|tcgen05|cluster)"
REASONS: tuple[tuple[str, str], ...] = (
    (r"T\.atomic|.*is read and written", "sums that blocks add up in memory, tensors that change in place"),
    (_NUMBERS, "whole numbers, bits and 8-bit floats: quantized, ragged, paged, sparse by index"),
    (_MACHINES, "threads, barriers, warp specialization, memories of other machines"),
    (_NO_WORD, "no formula for it: recurrences, scans, windows, decays by place, convolution"),
    (r"a second T\.Kernel", "several kernels in one function"),
    (r"`", "formulas that this version hasn't"),
    (r"not proven", "wrong on purpose: an example of finding such faults"),
    (r"", "Python that isn't read, or values that another library decides"),
)
"""Kinds of reasons, by the beginnings of messages."""


def value_of(name: str, path: str) -> Any:
    """What a parameter without a default gets."""
    for beginning, values in OVERRIDES.items():
        if path.startswith(beginning) and name in values:
            return values[name]
    return next((value for pattern, value in VALUES if re.fullmatch(pattern, name.lower())), 256)


def outcome(raw: bytes, path: str, kernel: str) -> tuple[str, str]:
    """What a kernel computes, or else why it doesn't import."""
    given: dict[str, Any] = {}
    for _attempt in range(12):
        try:
            return "; ".join(import_text(raw, path, kernel, given, dtypes=DTYPES).formulas), ""
        except SpecError as error:
            message = error.problems[0].message
            asked = re.findall(r"(\w+)=…", message)
            missing = [name for name in asked if name not in given]
            if not missing:
                return "", message
            given |= {name: value_of(name, path) for name in missing}
    return "", "no values"


def kind_of(formula: str) -> str:
    """What a formula is, in a few words."""
    if " @ " in formula:
        return "attention" if re.search(r"softmax|exp\(", formula) else "products"
    return "rows" if re.search(r"\b(sum|mean|max|min|softmax|rmsnorm|layernorm)\(", formula) else "elementwise, copies"


def outcomes(checkout: Path) -> Iterator[tuple[str, str, str, str]]:
    """Each kernel of the examples: its file and name, and what comes of it."""
    root = checkout / "examples"
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root).as_posix()
        raw = file.read_bytes()
        for kernel in candidates(parse(raw, path)):
            yield (path, kernel.path, *outcome(raw, path, kernel.path))


def tables(checkout: Path) -> str:
    """The tables of the page."""
    found = list(outcomes(checkout))
    for path, kernel, formula, message in found:
        print(f"{path}:{kernel}: {formula or f'-- {message}'}", file=sys.stderr)
    kinds = Counter(kind_of(formula) for _path, _kernel, formula, _message in found if formula)
    reasons: Counter[str] = Counter()
    for _path, _kernel, formula, message in found:
        if not formula:
            reasons[next(reason for pattern, reason in REASONS if re.match(pattern, message))] += 1
    lines = [f"Of {len(found)} kernels {kinds.total()} import:", "", "| kind | kernels |", "|---|---|"]
    lines += [f"| {kind} | {count} |" for kind, count in kinds.most_common()]
    lines += ["", "and the others don't, for the first reason that is met:", "", "| reason | kernels |", "|---|---|"]
    lines += [f"| {reason} | {count} |" for reason, count in reasons.most_common()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    made = tables(Path(sys.argv[1]))
    print(made)
    if "--write" in sys.argv:
        text = PAGE.read_text(encoding="utf-8")
        begin, end = "<!-- examples: made by tests/importing/examples.py -->\n", "<!-- /examples -->\n"
        head, tail = text.split(begin)[0], text.split(end)[1]
        PAGE.write_text(f"{head}{begin}\n{made}\n{end}{tail}", encoding="utf-8")
