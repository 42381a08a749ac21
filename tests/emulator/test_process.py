"""The emulator as a process: what its signal handlers do, whose children it waits for, and when it compiles again."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.emulator.test_operations import TEMPLATE
from tests.emulator.test_programs import execute, normal

# malloc of a process that must not be called on the stack of its signal handlers.
WATCH = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static int in_alarm;
static void (*handler)(int);
static void alarmed(int signal) { in_alarm = 1; handler(signal); in_alarm = 0; }
typedef void (*handler_t)(int);
handler_t signal(int number, handler_t given) {
    handler_t (*next)(int, handler_t) = (handler_t(*)(int, handler_t))dlsym(RTLD_NEXT, "signal");
    if (number != SIGALRM) { return next(number, given); }
    handler = given;
    return next(number, alarmed);
}
void* malloc(size_t bytes) {
    static void* (*next)(size_t);
    stack_t stack;
    if (in_alarm || (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) != 0)) { _exit(99); }
    if (next == NULL) { next = (void* (*)(size_t))dlsym(RTLD_NEXT, "malloc"); }
    return next(bytes);
}
"""
FAULT = "*reinterpret_cast<volatile uint32_t*>(uintptr_t{0x40}) = 1;"
SPIN = "for (volatile uint32_t i = 0; i < 2; i = 0) {}"


def compute(folder: Path, body: str) -> str:
    source = folder / "compute.cpp"
    source.write_text(
        TEMPLATE.format(define="", includes="", startup="compute_kernel_hw_startup(0, 16);", wait="cb_wait_front(0, 1);",
                        body=f"copy_init(0); copy_tile(0, 0, 0); {body}", pack="pack_tile(0, 16);",
                        pop="cb_pop_front(0, 1);")
    )  # fmt: skip
    return f"compute={source}"


@pytest.mark.parametrize(("body", "name"), [(FAULT, "out-of-range"), (SPIN, "hang")])
def test_signal_handlers_allocate_nothing(tmp_path: Path, body: str, name: str) -> None:
    """A kernel may be anywhere when a signal comes, inside the allocator too."""
    (tmp_path / "watch.c").write_text(WATCH)
    watch = tmp_path / "watch.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", watch, tmp_path / "watch.c"], check=True)
    options = (compute(tmp_path, body), "rows=1", "columns=1")
    env = {"LD_PRELOAD": str(watch), "TTEMU_SPIN_SECONDS": "1"}
    _, result = execute("tiles", tmp_path, {"IN0": normal(32, 32)}, {"OUT": (32, 32)}, *options, env=env)
    assert result.status == 86, result.stderr
    assert result.names()[0] == name
    (found,) = (line for line in result.report if line["kind"] in ("error", "hang"))
    assert found["core"] == [0, 0]
    assert found["file"].endswith("compute.cpp")
    assert found["line"] > 0


def test_children_of_the_host_program_are_its_own(tmp_path: Path) -> None:
    a = normal(32, 32)
    body = f"// compiled in {tmp_path.name} and nowhere else"
    outputs, result = execute("tiles", tmp_path, {"IN0": a}, {"OUT": (32, 32)}, compute(tmp_path, f"\n{body}\n"),
                              "rows=1", "columns=1", "child=1")  # fmt: skip
    assert outputs is not None, result.stderr
    np.testing.assert_array_equal(outputs["OUT"], a)


def test_another_compiler_at_the_same_path_compiles_again(tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"

    def install(version: str) -> None:
        compiler.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version} && exit\nexec g++ "$@"\n')
        compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)

    units = tmp_path / "units"
    compiled, libraries = [], set()
    for version in ("1.0", "1.0", "1.1"):
        install(version)
        # Nothing is run of a compiler but once for each process: the version is kept.
        script = ("import sys; from pathlib import Path; from ttgen.verify.toolchain import Builder, Compiler\n"
                  "print(Builder(Compiler(command=(sys.argv[1],)), Path(sys.argv[2]), jobs=1)._library)")  # fmt: skip
        done = subprocess.run(["python", "-c", script, compiler, tmp_path], capture_output=True, text=True, check=True)
        libraries.add(done.stdout)
        env = {"TTEMU_CXX": str(compiler), "TTEMU_CACHE": str(units)}
        _, result = execute("tiles", tmp_path, {"IN0": normal(32, 32)}, {"OUT": (32, 32)},
                            compute(tmp_path, ""), "rows=1", "columns=1", env=env)  # fmt: skip
        assert result.status == 0, result.stderr
        compiled.append(sum(not line["cached"] for line in result.report if line["kind"] == "unit"))
    assert compiled == [5, 0, 5]
    assert len(libraries) == 2
