"""What the reader finds is what TileLang itself makes of the same kernels: `pytest -m tilelang`, with that installed.

TileLang traces a kernel without a card. Its intermediate form is printed, and its facts are read off that text.
"""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.importing.sources import ALL, source
from ttgen.importing.form import Copy, Fill, Gemm, If, Kernel, Loop, Parallel, Reduce, Statement
from ttgen.importing.reader import choose, read_kernel
from ttgen.importing.text import parse

pytestmark = pytest.mark.tilelang

KERNELS: dict[str, dict[str, int]] = {
    "gemm": {},
    "linear": {"M": 1000, "K": 512, "N": 700},
    "silu_mul": {},
    "softmax": {},
    "flash": {},
    "online": {},
    "rms": {},
}
Facts = dict[str, Any]


def traced(name: str, given: dict[str, int], folder: Path) -> str:
    """The text of TileLang's own form of a kernel."""
    pytest.importorskip("tilelang")
    path = folder / f"{name}_kernel.py"
    path.write_text(source(ALL[name]))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
        made = getattr(module, name)
        function = (
            made.get_tir(**given) if hasattr(made, "get_tir") else made if hasattr(made, "script") else made(**given)
        )
        return str(function.script())


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def facts_of_text(text: str) -> Facts:
    """Shapes and dtypes of tensors, the grid, what is allocated, products, reductions, and how many copies there are."""
    tensors = {
        re.sub(r"_\d+$", "", name): (numbers(shape), dtype or "float32")
        for name, shape, dtype in re.findall(r'(\w+) = T\.match_buffer\(\w+, \(([^)]*)\)(?:, "(\w+)")?', text)
    }
    buffers = re.findall(r'T\.sblock_alloc_buffer\(\(([^)]*)\)(?:, "(\w+)")?', text)
    gemms = re.findall(r"T\.gemm\(.*, T\.bool\((\w+)\), T\.bool\((\w+)\), (\d+), (\d+), (\d+), ", text)
    reductions = re.findall(r'T\.reduce\(.*, "(\w+)", (\d+), T\.bool\((\w+)\)\)', text)
    return {
        "tensors": tensors,
        "grid": tuple(int(extent) for extent in re.findall(r'T\.thread_binding\((\d+), thread="blockIdx', text)),
        "buffers": Counter((numbers(shape), dtype or "float32") for shape, dtype in buffers),
        "gemms": [(a == "True", b == "True", int(m), int(n), int(k)) for a, b, m, n, k in gemms],
        "reductions": [(kind, int(dim), clears == "True") for kind, dim, clears in reductions],
        "copies": text.count("T.copy("),
        "fills": text.count("T.fill("),
        "lanes": len(re.findall(r"for \w+ in T\.parallel\(", text)),
    }


def walk(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    for statement in statements:
        yield statement
        if isinstance(statement, (Loop, Parallel)):
            yield from walk(statement.body)
        elif isinstance(statement, If):
            yield from walk((*statement.then, *statement.otherwise))


def facts_of_kernel(kernel: Kernel) -> Facts:
    """The same facts, of what the reader found."""
    all_of = list(walk(kernel.body))
    gemms = []
    for gemm in all_of:
        if isinstance(gemm, Gemm):
            rows, cols = gemm.target.extents[-2:]
            depth = gemm.left.extents[-2 if gemm.transposed[0] else -1]
            gemms.append((*gemm.transposed, rows, cols, depth))
    return {
        "tensors": {tensor.name: (tensor.shape, tensor.dtype) for tensor in kernel.tensors},
        "grid": tuple(extent for _name, extent in kernel.grid),
        "buffers": Counter((item.shape, item.dtype) for item in kernel.buffers.values() if not item.is_tensor),
        "gemms": gemms,
        "reductions": [(item.kind, item.dim, item.clears) for item in all_of if isinstance(item, Reduce)],
        "copies": sum(isinstance(item, Copy) for item in all_of),
        "fills": sum(isinstance(item, Fill) for item in all_of),
        "lanes": sum(len(item.variables) for item in all_of if isinstance(item, Parallel)),
    }


@pytest.mark.parametrize("name", KERNELS)
def test_the_reader_finds_what_tilelang_makes(name: str, tmp_path: Path) -> None:
    file = parse(source(ALL[name]), f"{name}.py")
    kernel = read_kernel(file, choose(file, name), KERNELS[name])
    assert facts_of_kernel(kernel) == facts_of_text(traced(name, KERNELS[name], tmp_path))
