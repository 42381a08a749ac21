"""Files that mean harm, or that nobody would write: refused at once, and nothing of them is run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.importing.sources import GEMM, HEADER, SILU_MUL, source
from ttgen.errors import SpecError, UserError
from ttgen.importing.importer import import_file, import_text

KERNEL = """
@T.prim_func
def k(X: T.Tensor((64, 64), f32), Y: T.Tensor((64, 64), f32)):
    with T.Kernel(2, 2) as (bx, by):
        x = T.alloc_shared((32, 32), f32)
        T.copy(X[by * 32, bx * 32], x)
%s
        T.copy(x, Y[by * 32, bx * 32])
"""


def inside(*lines: str) -> str:
    return HEADER + KERNEL % "\n".join(f"        {line}" for line in lines)


def before(*lines: str) -> str:
    return HEADER + "\n".join(lines) + "\n\n\n" + SILU_MUL.replace("bm=64", "bm=size")


EVIL = "open({path!r}, 'w').write('run')"

FILES: dict[str, str | bytes] = {
    "exec": inside(f'exec("{EVIL}")'),
    "eval": before(f'size = eval("{EVIL}")'),
    "open": before(f"size = {EVIL}"),
    "import_of_os": before("import os", "size = os.system('touch {path}')"),
    "dunder_import": before("size = __import__('os').system('touch {path}')"),
    "decorator": HEADER + "@open({path!r}, 'w').write\n" + GEMM.replace("@T.prim_func\n", ""),
    "own_decorator": HEADER + f"def mine(f):\n    {EVIL}\n    return f\n\n\n@mine\n" + GEMM.replace("@T.prim_func\n", ""),
    "default": HEADER + SILU_MUL.replace("bm=64", f"bm={EVIL}"),
    "class_body": before(f"class Size:\n    {EVIL}", "size = Size()"),
    "lambda": before(f"size = (lambda: {EVIL})()"),
    "comprehension": before("size = [x for x in range(10 ** 9)][0]"),
    "global_statement": inside("global x"),
    "attribute_of_attributes": inside("x.shape.__class__.__mro__"),
    "huge_literal": before("size = " + "9" * 5000),
    "huge_power": before("size = 9 ** 9 ** 9 ** 9"),
    "huge_shift": before("size = 1 << 10 ** 9"),
    "huge_string": before("size = 'x' * 10 ** 10"),
    "huge_list": before("size = [0] * 10 ** 10"),
    "doubling_lists": before("size = [1, 2, 3]", "size = size + size", "size = size + size"),
    "endless_loop": before("while True: pass", "size = 0") + "\n\nwhile True:\n    pass\n",
    "loop_over_much": HEADER + SILU_MUL.replace("    @T", "    for i in range(10 ** 9):\n        bm = i\n    @T", 1),
    "recursion": before("def size_of(n): return size_of(n + 1)", "size = size_of(0)"),
    "names_in_a_circle": before("size = other", "other = size"),
    "macro_that_calls_itself": inside("again(x)").replace("@T.prim_func", "def again(y):\n    again(y)\n\n\n@T.prim_func"),
    "deeper_parentheses": before("size = " + "(" * 5000 + "1" + ")" * 5000),
    "deep_unary": before("size = " + "-" * 20_000 + "1"),
    "deep_attributes": before("size = T" + ".a" * 20_000),
    "deep_sum": before("size = " + "+".join(["1"] * 20_000)),
    "deep_calls": before("size = " + "min(1, " * 80 + "1" + ")" * 80),
    "long_chain": inside("for i, j in T.Parallel(32, 32):", *["    x[i, j] = x[i, j] + X[i, j]"] * 1500),
    "doubling_values": inside("for i, j in T.Parallel(32, 32):", *["    x[i, j] = x[i, j] * x[i, j]"] * 60),
    "doubling_names": inside("for i, j in T.Parallel(32, 32):", "    t = x[i, j]",
                             *[f"    t{n} = t{n - 1 if n else ''} * t{n - 1 if n else ''}" for n in range(60)], "    x[i, j] = t59"),
    "doubling_indices": inside("t = bx", *[f"t{n} = t{n - 1 if n else ''} + t{n - 1 if n else ''}" for n in range(60)],
                               "T.copy(X[t59, 0], x)"),
    "doubling_calls": inside("T.copy(X[" + "f(" * 40 + "bx" + ")" * 40 + ", 0], x)").replace(
        "@T.prim_func", "def f(y):\n    return y + y\n\n\n@T.prim_func"),
    "huge_grid": HEADER + GEMM.replace("T.Kernel(8, 8,", "T.Kernel(2000000, 2000000,"),
    "huge_lanes": HEADER + SILU_MUL.replace("bm=64, bn=128", "bm=2 ** 30, bn=2 ** 30"),
    "huge_loop": inside("for i in T.serial(2 ** 31):", "    T.copy(X[by * 32, bx * 32], x)"),
    "nested_loops": inside("for i in T.serial(2 ** 20):", "    for j in T.serial(2 ** 20):", "        T.copy(X[by * 32, bx * 32], x)"),
    "huge_allocation": inside("y = T.alloc_shared((2 ** 15, 2 ** 15), f32)", "T.clear(y)"),
    "huge_shape": inside("y = T.alloc_shared((2 ** 31, 2 ** 31, 2 ** 31), f32)"),
    "huge_tensors": HEADER + GEMM.replace("256, 256", "2 ** 20, 2 ** 20"),
    "huge_region": HEADER + GEMM.replace("T.copy(A[by * 32, k * 32], a)", "T.copy(A[0:2 ** 40, 0:2 ** 40], a)"),
    "many_axes": HEADER + "@T.prim_func\ndef k(" + ", ".join(f"X{n}: T.Tensor((8, 8), f32)" for n in range(30))
    + ", Y: T.Tensor((8, 8), f32)):\n    with T.Kernel(1) as b:\n        for i, j in T.Parallel(8, 8):\n            Y[i, j] = "
    + " + ".join(f"X{n}[i, j]" for n in range(30)) + " + X0[j, i]\n",
    "no_kernel": HEADER,
    "not_python": "kernel: gemm\ntensors: {}\n",
    "not_text": b"\xff\xfe\x00with T.Kernel",
    "a_zero_byte": source(GEMM) + "\0",
    "empty": "",
    "ten_megabytes": source(GEMM) + "# x\n" * 2_500_000,
    "many_statements": source(GEMM) + "x = 1\n" * 90_000,
    "triton": "import triton\n\n\n@triton.jit\ndef k(x, y):\n    pass\n",
    "torch_function": HEADER + "import torch\n\n\ndef f(A, B):\n    return torch.matmul(A, B)\n",
    "star_import": "from os import *\n" + source(GEMM.replace("T.clear(c)", "system('touch {path}')")),
}  # fmt: skip


REASONS = {
    "exec": "'exec' is not known",
    "eval": "'eval' is not known",
    "open": "'open' is not known",
    "import_of_os": "'os.system' isn't read",
    "dunder_import": "'__import__' is not known",
    "decorator": "a decorator that isn't TileLang's",
    "own_decorator": "a decorator that isn't TileLang's",
    "default": "'open' is not known",
    "class_body": "'Size' is given a value",
    "lambda": "this isn't part of what is read",
    "comprehension": "this isn't part of what is read",
    "global_statement": "this statement isn't part",
    "attribute_of_attributes": "the attribute '__class__' isn't read",
    "huge_literal": "not Python that can be read",
    "huge_power": "the power is too large",
    "huge_shift": "this isn't part of what is read",
    "huge_string": "a number is expected",
    "huge_list": "a number is expected",
    "doubling_lists": "'size' is given a value in several places",
    "endless_loop": "division",
    "loop_over_much": "at most 256 items",
    "recursion": "functions call each other deeper than 8",
    "names_in_a_circle": "'size' depends on itself",
    "macro_that_calls_itself": "functions call each other deeper than 8",
    "deeper_parentheses": "it nests too deep",
    "deep_unary": "nests too deep",
    "deep_attributes": "nest",
    "deep_sum": "nest",
    "deep_calls": "expressions nest deeper than 60",
    "long_chain": "what it says nests too deep",
    "doubling_values": "what is computed grows too large",
    "doubling_names": "more than 500 parts",
    "doubling_indices": "more than 500 parts",
    "doubling_calls": "more than 500 parts",
    "huge_grid": "takes too long",
    "huge_lanes": "takes too long",
    "huge_loop": "takes too long",
    "nested_loops": "takes too long",
    "huge_allocation": "takes too long",
    "huge_shape": "a shape of 1 to 8 sizes",
    "huge_tensors": "takes too long",
    "huge_region": "sizes differ",
    "many_axes": "axes don't line up",
    "no_kernel": "no kernel of TileLang's",
    "not_python": "no kernel of TileLang's",
    "not_text": "the file is not UTF-8 text (byte 0)",
    "a_zero_byte": "not Python that can be read",
    "empty": "no kernel of TileLang's",
    "ten_megabytes": "larger than 1,000,000 bytes",
    "many_statements": "more than 200,000 parts of syntax",
    "triton": "no kernel of TileLang's",
    "torch_function": "no kernel of TileLang's",
    "star_import": "'system' is not known",
}
"""What is said of each."""


@pytest.mark.parametrize("name", FILES)
def test_hostile_files_are_refused_and_nothing_runs(name: str, tmp_path: Path) -> None:
    file, witness = tmp_path / "kernel.py", tmp_path / "witness"
    text = FILES[name]
    if isinstance(text, str):
        text = text.replace("{path!r}", repr(str(witness))).replace("{path}", str(witness)).encode()
    file.write_bytes(text)
    begin = time.process_time()
    with pytest.raises(SpecError) as caught:
        import_file(file, None, {}, dtypes={})
    assert caught.value.places
    assert REASONS[name] in caught.value.problems[0].message
    assert not witness.exists()
    assert time.process_time() - begin < 15


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UserError, match="No such file"):
        import_file(Path("nothing.py"), None, {}, dtypes={})


def test_what_a_kernel_does_not_depend_on_may_be_anything() -> None:
    text = source(GEMM).replace("bf =", "import torch\n\nwords = [torch.zeros(n) for n in range(10 ** 9)]\nbf =")
    text += "\n\nif __name__ == '__main__':\n    while True:\n        exec('x')\n"
    assert import_text(text, "kernel.py", None, {}, dtypes={}).formulas == ("C = A @ B",)
