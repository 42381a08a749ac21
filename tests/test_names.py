"""Names of tensors and kernels against all that is made from them: kernels, formulas, CMake."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttgen
from ttgen.diagnostics import describe
from ttgen.errors import SpecError
from ttgen.model.plan import Plan
from ttgen.names import kernel_problem, tensor_problem
from ttgen.planner.identifiers import declared

# What ttgen makes of names, and names that it has itself.
PARTS = (
    "A", "B", "cb", "args", "tensor", "address", "arg", "left", "right", "tile", "zeros", "words", "product", "partial_0",
    "number", "number_1", "unit_count", "unit", "Kt", "row", "k", "1", "RuntimeArg", "step", "reader",
)  # fmt: skip
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("_".join)

# Formulas of four tensors that between them make every name that ttgen makes: uses of one tensor, a block's product,
# zeros, spills, numbers, batches.
FORMULAS = (
    ("{3} = {0} @ {0} + {1} * {0} - {2}", ""),
    ("{3} = relu({0} @ {1} + {0}) * 2 + {2} * 3", "schedule: {block: {m: 2, n: 2, k: 2}}"),
    ("{3} = maximum({0}, exp({2}) * 2) - softplus({1}) / 3", "precision: {accumulate: bfloat16}"),
    ("{3} = where({0}, {1}, {2}) + leaky_relu({0}) * exp({1}) - 1", "schedule: {order: {block_linear: 2}}"),
)


def spec(formula: str, more: str, names: tuple[str, ...], vector: bool) -> str:
    shapes = [[128, 128], [128, 128], [128, 128] if not vector else [128], [128, 128]]
    tensors = "".join(
        f"  {name}: {{shape: {shape}, dtype: bfloat16}}\n" for name, shape in zip(names, shapes, strict=True)
    )
    return f"kernel: k\ntensors:\n{tensors}compute: {formula.format(*names)}\n{more}\n"


def scopes(text: str) -> Iterator[list[str]]:
    """The names that each block of a kernel declares, with those of the blocks around it, which it would hide."""
    body = text[text.index("void kernel_main()") :]
    open_scopes: list[list[str]] = [[]]
    tokens = re.compile(
        r"(?P<enum>enum (?P<kind>\w+) : int \{(?P<members>[^}]*)\};)|(?P<loop>for \(uint32_t (?P<var>\w+) = [^{]*\{)|"
        r"(?P<open>\{)|(?P<close>\})|(?:\b(?:const|constexpr) (?:uint32_t|auto)|auto\* const) (?P<name>\w+) ="
    )
    for token in tokens.finditer(body):
        if token["enum"]:
            open_scopes[-1] += [token["kind"], *re.findall(r"\w+", token["members"])]
        elif token["loop"]:
            open_scopes.append([token["var"]])
        elif token["open"]:
            open_scopes.append([])
        elif token["close"]:
            yield [name for scope in open_scopes for name in scope]
            open_scopes.pop()
        else:
            open_scopes[-1].append(token["name"])


def rendered(plan: Plan) -> Iterator[tuple[str, str]]:
    texts = {file.path.split("/", 1)[1]: file.text for file in ttgen.render(plan)}
    yield from ((kernel.file, texts[kernel.file]) for kernel in plan.program.kernels)


def check(text: str) -> str:
    """Whether a spec is served, with no name declared twice; or else the message that refuses it."""
    try:
        plan = ttgen.plan(ttgen.loads(text))
    except SpecError as error:
        return describe(error)
    known = {kernel.file: {name for name, _ in declared(kernel, plan.io_order)} for kernel in plan.program.kernels}
    for file, code in rendered(plan):
        for names in scopes(code):
            assert len(set(names)) == len(names), (file, sorted(names))
            assert set(names) <= known[file], set(names) - known[file]
            assert not any("__" in name for name in names)
    return "served"


@settings(max_examples=int(os.environ.get("TTGEN_EXAMPLES", "60")), deadline=None)
@given(st.lists(NAMES, min_size=4, max_size=4, unique=True), st.sampled_from(FORMULAS), st.booleans())
def test_no_two_things_of_a_kernel_have_one_name(names: list[str], formula: tuple[str, str], vector: bool) -> None:
    result = check(spec(*formula, tuple(names), vector))
    assert result == "served" or re.search(r"tensor name '\w+' (makes the name|is |would|contains)", result), result


@pytest.mark.parametrize(("formula", "more"), FORMULAS)
@pytest.mark.parametrize("vector", [False, True])
def test_plain_names_are_served(formula: str, more: str, vector: bool) -> None:
    assert check(spec(formula, more, ("A", "B", "C", "Y"), vector)) == "served"


@pytest.mark.parametrize("first", ["A", "X_left", "unit_count"])
@pytest.mark.parametrize("ending", ["args", "tensor", "address"])
def test_the_accessor_of_one_and_the_buffer_of_another(first: str, ending: str) -> None:
    names = (f"cb_{first}", f"{first}_{ending}", "B", "Y")
    result = check(spec("{3} = {0} + {1} * {2}", "", names, vector=False))
    assert [line.split(" error: ")[1] for line in result.splitlines() if " error: " in line] == [
        f"tensor name '{one}' makes the name 'cb_{first}_{ending}' in kernels/reader.cpp, which tensor '{other}' makes "
        "too: rename it"
        for one, other in (names[:2], names[1::-1])
    ]


def test_a_buffer_that_gives_way_to_a_tensor_has_a_name_of_its_own() -> None:
    names = ("zeros", "zeros_1", "v", "Y")
    text = spec("{3} = maximum({0}, {2}) * {1}", "precision: {accumulate: bfloat16}", names, vector=True)
    assert check(text) == "served"
    buffers = [buffer.name for buffer in ttgen.plan(ttgen.loads(text)).program.circular_buffers]
    assert "zeros_2" in buffers


@pytest.mark.parametrize("name", keyword.kwlist)
def test_keywords_of_python_are_no_tensors(name: str) -> None:
    assert tensor_problem(name)  # some are words of C++ too, or macros


@pytest.mark.parametrize("name", ["match", "type", "print", "T", "exp", "where"])
def test_other_words_of_python_are(name: str) -> None:
    assert check(spec("{3} = {0} @ {1} + {2}", "", (name, "B", "C", "Y"), vector=False)) == "served"


HOST = (
    "Files Role Tensors argc argv check_device core device dist files input kernel_files k_program main memory own parts "
    "program program_parts queue std table tensor_io tensors tt ttm unit_start workers workloads"
).split()


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_words_of_the_host_program_are_names_of_tensors(tmp_path: Path) -> None:
    """Inputs by half of them, an output and what lies between programs by the others."""
    assert tensor_problem("Buffer")
    half = len(HOST) // 2
    for inputs, between in ((HOST[:half], HOST[half]), (HOST[half:], HOST[0])):
        tensors = "".join(f"  {name}: {{shape: [64, 64], dtype: bfloat16}}\n" for name in inputs)
        wide = " + ".join(inputs[:-1])
        text = f"kernel: k\ntensors:\n{tensors}compute:\n  - {between} = ({wide}) @ {inputs[0]}\n"
        text += f"  - {inputs[-1]} = {between} @ {inputs[0]}\n"
        for file in ttgen.render(ttgen.plan(ttgen.loads(text))):
            path = tmp_path / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text)
        flags = ["-std=c++20", "-fsyntax-only", "-I", "ttgen/emulator/include", "-I", str(tmp_path / "host")]
        sources = [str(tmp_path / f"k/host/{name}.cpp") for name in ("program", "main")]
        words = ["g++", *flags, '-DTTGEN_PROGRAM_DIR=""', *sources]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


RESERVED = "all ALL_BUILD clean edit_cache help install INSTALL preinstall rebuild_cache ZERO_CHECK Makefile CMakeFiles".split()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
def test_what_cmake_refuses_is_refused_first(tmp_path: Path) -> None:
    """CMake itself, with the rendered CMakeLists.txt: of a name that it takes, and of those that it keeps."""
    found = tmp_path / "found"
    found.mkdir()
    (found / "TT-MetaliumConfig.cmake").write_text("add_library(TT::Metalium INTERFACE IMPORTED)\n")
    text = next(file.text for file in ttgen.render(ttgen.plan(ttgen.load("specs/gemm.yaml"))) if "CMake" in file.path)
    (tmp_path / "host").mkdir()
    (tmp_path / "host/main.cpp").write_text("int main() {}\n")
    for source in ("host/program.cpp", "../host/program_parts.cpp", "../host/tensor_io.cpp"):
        (tmp_path / source).parent.mkdir(exist_ok=True)
        (tmp_path / source).write_text("")
    for name in ("gemm", *RESERVED):
        (tmp_path / "CMakeLists.txt").write_text(re.sub(r"\bgemm\b(?!\.yaml)", name, text))
        build = tmp_path / f"build_{name}"
        configure = [
            "cmake",
            "-S",
            str(tmp_path),
            "-B",
            str(build),
            "-G",
            "Unix Makefiles",
            f"-DTT-Metalium_DIR={found}",
        ]
        commands = [configure, *([["cmake", "--build", str(build)]] * 2)]
        refused = any(subprocess.run(command, capture_output=True, check=False).returncode for command in commands)
        assert refused == (name != "gemm"), name
        assert (kernel_problem(name) is None) == (name == "gemm"), name
