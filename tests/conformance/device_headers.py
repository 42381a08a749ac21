"""Type-checks kernel texts against the device headers that the ttnn wheel carries.

The wheel has every header that the runtime's own build of a kernel includes, but not that build's compiler
(SFPI). A stock RISC-V g++ stands in for it with ``-fsyntax-only``: names, signatures and template arguments
are checked as in the real build, warnings and deprecations more strictly. SFPI's own headers are not in the wheel;
``stand_ins/sfpi.h`` has the types and functions that the bodies of the SFPU functions are written with. No code is
made, and nothing is said about what a kernel does when it runs.
"""

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

RELEASE: Final = "0.81.1"
COMPILER: Final = "riscv64-unknown-elf-g++"
PICOLIBC: Final = Path("/usr/lib/picolibc/riscv64-unknown-elf/include")
STAND_INS: Final = Path(__file__).resolve().parent / "stand_ins"
CHECKOUT: Final = Path(__file__).resolve().parents[2]

Arch: TypeAlias = Literal["wormhole_b0", "blackhole"]
Processor: TypeAlias = Literal["riscv_0", "riscv_1"]
ComputeThread: TypeAlias = Literal["unpack", "math", "pack"]
Thread: TypeAlias = Processor | ComputeThread
DataFormat: TypeAlias = Literal["Float32", "Float16_b", "Bfp8_b", "Bfp4_b", "UInt16", "Int32", "UInt32"]
MathFidelity: TypeAlias = Literal["LoFi", "HiFi2", "HiFi3", "HiFi4"]


# ----------------------------------------------------------------------------------------
# What is checked, and what comes of it


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMovement:
    """A reader or writer: the processor that runs it and the NoC that it uses."""

    processor: Processor
    noc: Literal[0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """A compute kernel: one text, built for the unpack, the math and the pack thread."""

    math_fidelity: MathFidelity = "HiFi4"
    fp32_dest_acc: bool = False
    dst_full_sync: bool = False
    math_approx: bool = False
    unpack_to_dest_fp32: frozenset[int] = frozenset()
    """Indices of the Float32 circular buffers that are unpacked to DST without passing through TF32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One kernel text with everything that the real build would compile it with."""

    source: str
    arch: Arch
    role: DataMovement | Compute
    compile_time_args: tuple[int, ...] = ()
    """The positional words, also tensor accessors': ``2, 2048`` for interleaved bfloat16 tiles in DRAM."""
    named_compile_time_args: Mapping[str, int] = field(default_factory=dict)
    defines: Mapping[str, str] = field(default_factory=dict)
    circular_buffers: Mapping[int, DataFormat] = field(default_factory=dict)
    """Index to data format. Every buffer holds 32x32 tiles; page sizes do not enter a kernel's build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One error, or one warning: every warning of ``-Wall`` in a kernel's own text is an error."""

    thread: Thread
    where: str
    """``file:line:column``, the kernel as ``kernel.cpp`` and headers relative to the wheel's ``ttnn`` folder;
    empty where the compiler gives no place."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The outcome for one kernel."""

    threads: tuple[Thread, ...]
    diagnostics: tuple[Diagnostic, ...]
    output: str
    """What the compiler said of the first thread that it refused, with template and include context."""

    @property
    def passed(self) -> bool:
        """True without diagnostics."""
        return not self.diagnostics

    def __str__(self) -> str:
        """All of it, each message once."""
        lines = list(dict.fromkeys(f"{found.where}: {found.message}" for found in self.diagnostics))
        verdict = "passed" if self.passed else "refused"
        context = () if self.passed else ("", self.output)
        return "\n".join([f"{', '.join(self.threads)}: {verdict}", *lines, *context])


# ----------------------------------------------------------------------------------------
# The wheel and the compiler on this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why the check can't run here, with the command that would change it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """A RISC-V g++ and the folders of the C++ and C library headers that it is given."""

    path: str
    library_headers: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The folder of the wheel that contains ``tt_metal``, and the compiler."""

    headers_root: Path
    compiler: Compiler


def find_headers(checkout: Path = CHECKOUT) -> Path | Missing:
    """The wheel's ``ttnn`` folder: in $TTGEN_TTNN, or installed (never imported), or in ``.cache/ttnn``."""
    fetch = "get it with: python tests/conformance/fetch_headers.py"
    if folder := os.environ.get("TTGEN_TTNN"):
        candidate, origin = Path(folder) / "ttnn", f"$TTGEN_TTNN ({folder})"
    elif (spec := importlib.util.find_spec("ttnn")) and spec.origin and spec.submodule_search_locations:
        candidate, origin = Path(spec.submodule_search_locations[0]), "the installed ttnn package"
    else:
        candidate, origin = checkout / ".cache" / "ttnn" / "ttnn", ".cache/ttnn"
    if not (candidate / "tt_metal" / "hw" / "inc").is_dir():
        return Missing(reason=f"no device headers: {origin} has no ttnn/tt_metal/hw/inc; {fetch}")
    releases = sorted(info.name[5:-10] for info in candidate.parent.glob("ttnn-*.dist-info"))
    if releases and releases != [RELEASE]:
        return Missing(reason=f"no device headers of {RELEASE}: {origin} is of {', '.join(releases)}; {fetch}")
    return candidate


def find_compiler() -> Compiler | Missing:
    """The RISC-V g++ of the path, picolibc's headers, and the host's libstdc++ of the same major version."""
    path = shutil.which(COMPILER)
    if path is None:
        return Missing(reason=f"no {COMPILER}; get it with: apt-get install gcc-riscv64-unknown-elf")
    if not PICOLIBC.is_dir():
        return Missing(reason="no C library headers; get them with: apt-get install picolibc-riscv64-unknown-elf")
    version = subprocess.run([path, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    major = version.split(".")[0].strip()
    generic = Path("/usr/include/c++") / major
    of_target = sorted(Path("/usr/include").glob(f"*-linux-gnu*/c++/{major}/bits/c++config.h"))
    if not generic.is_dir() or not of_target:
        return Missing(reason=f"no C++ library headers; get them with: apt-get install libstdc++-{major}-dev")
    return Compiler(path=path, library_headers=(generic, of_target[0].parent.parent, PICOLIBC))


def find_toolchain(checkout: Path = CHECKOUT) -> Toolchain | Missing:
    """Both, or one reason that names each of the two that is missing."""
    headers_root, compiler = find_headers(checkout), find_compiler()
    if isinstance(headers_root, Path) and isinstance(compiler, Compiler):
        return Toolchain(headers_root=headers_root, compiler=compiler)
    return Missing(reason="; ".join(found.reason for found in (headers_root, compiler) if isinstance(found, Missing)))


# ----------------------------------------------------------------------------------------
# The check


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationUnit:
    """One compiler run. Equal units have equal outcomes: they are the key under which outcomes are kept."""

    thread: Thread
    command: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    """Name and text of each file that the real build generates beside the kernel."""


def type_check(kernel: Kernel, toolchain: Toolchain) -> CheckReport:
    """Compiles each translation unit of one kernel without making code."""
    return type_check_all([kernel], toolchain)[0]


def type_check_all(kernels: Iterable[Kernel], toolchain: Toolchain) -> tuple[CheckReport, ...]:
    """One report a kernel, in order; equal translation units are compiled once a process, on all cores."""
    units = [translation_units(kernel, toolchain) for kernel in kernels]
    distinct = tuple(dict.fromkeys(unit for of_kernel in units for unit in of_kernel))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        texts = (text.replace(f"{toolchain.headers_root}/", "") for text in pool.map(compiler_output, distinct))
        outputs = dict(zip(distinct, texts, strict=True))
    return tuple(report(of_kernel, outputs) for of_kernel in units)


def report(units: tuple[TranslationUnit, ...], outputs: Mapping[TranslationUnit, str]) -> CheckReport:
    """What the compiler said of a kernel's units."""
    found = {unit: read_diagnostics(unit.thread, outputs[unit]) for unit in units}
    return CheckReport(
        threads=tuple(unit.thread for unit in units),
        diagnostics=tuple(diagnostic for unit in units for diagnostic in found[unit]),
        output=next((outputs[unit] for unit in units if found[unit]), ""),
    )


def translation_units(kernel: Kernel, toolchain: Toolchain) -> tuple[TranslationUnit, ...]:
    """The compiler runs of a kernel."""
    named = ", ".join(f'{{"{name}", {value}}}' for name, value in kernel.named_compile_time_args.items())
    descriptors = circular_buffer_descriptors(kernel)
    files = (
        ("named_ct_arg_map_generated.h", f"#define KERNEL_COMPILE_TIME_ARG_MAP {named}\n" if named else "\n"),
        ("chlkc_descriptors.h", descriptors),
    )
    if isinstance(kernel.role, DataMovement):
        defines = tuple(f"-D{name}={value}" for name, value in kernel.defines.items())
        unit = TranslationUnit(
            thread=kernel.role.processor,
            command=(*command(kernel, toolchain, kernel.role.processor), *defines),
            files=(*files, ("kernel_includes.hpp", named_text(kernel.source))),
        )
        return (unit,)
    defines_text = "".join(f"#define {name} {value}\n" for name, value in kernel.defines.items())
    return tuple(
        TranslationUnit(
            thread=thread,
            command=command(kernel, toolchain, thread),
            files=(
                *files,
                ("defines_generated.h", defines_text),
                (f"chlkc_{thread}.cpp", thread_text(thread, kernel.source)),
            ),
        )
        for thread in COMPUTE_THREADS
    )


@functools.cache
def compiler_output(unit: TranslationUnit) -> str:
    """What the compiler says of one unit; empty if nothing."""
    with tempfile.TemporaryDirectory(prefix="type_check_") as folder:
        for name, text in unit.files:
            Path(folder, name).write_text(text, encoding="utf-8")
        run = subprocess.run(
            unit.command, cwd=folder, capture_output=True, text=True, check=False, timeout=300, env=ENGLISH
        )
    if not run.stderr:
        run.check_returncode()
    return run.stderr


def read_diagnostics(thread: Thread, output: str) -> tuple[Diagnostic, ...]:
    """The errors in a compiler's output. Output without any recognisable one is one diagnostic in itself."""
    errors = tuple(ERROR.finditer(output))
    if output and not errors:
        return (Diagnostic(thread=thread, where="", message=output.strip()),)
    return tuple(
        Diagnostic(thread=thread, where=error["where"], message=error["message"])
        for error in errors
        if not OF_AN_OLDER_COMPILER.search(error[0] + error["next"])
    )


ENGLISH: Final = {**os.environ, "LC_ALL": "C"}
ERROR: Final = re.compile(
    r"^(?P<where>[^\s:]+:\d+:\d+): (?:fatal )?error: (?P<message>.*)$(?=(?P<next>(?:\n.*)?)$)", re.MULTILINE
)
OF_AN_OLDER_COMPILER: Final = re.compile(
    r"/sfpu/.*('#pragma GCC unroll' requires|static assertion failed.*\n.*\bstatic_assert\(false,)"
)
"""What g++ 12 refuses in the wheel's SFPU functions and the real build's g++ 15 accepts: an unroll count that is a
template parameter, and ``static_assert(false)`` in a branch that ``if constexpr`` doesn't take. One in a branch that is
taken passes here, too."""


# ----------------------------------------------------------------------------------------
# The command line, as the runtime's build composes it

COMPUTE_THREADS: Final[tuple[ComputeThread, ...]] = ("unpack", "math", "pack")

FLAGS: Final = (
    "-std=c++17",
    "-march=rv32im",
    "-mabi=ilp32",
    "-fmax-errors=30",
    "-ffast-math",
    "-fno-finite-math-only",
    "-fsigned-zeros",
    "-fno-associative-math",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-use-cxa-atexit",
    "-Wall",
    "-Werror",
)
"""The build's, less the warnings that it forgives: deprecated declarations, unused variables and functions,
variables set but not used, dubious parentheses, macros of several statements. The wheel's headers are system
headers (``-isystem``), so all of these stay silent inside them; in the kernel's text they are errors."""

UNKNOWN_ATTRIBUTES: Final = "-Wno-attributes"
"""SFPI's compiler knows ``rvtt_l1_ptr`` and ``rvtt_reg_ptr``; others ignore them with a warning."""

ARCH_DEFINES: Final[Mapping[Arch, tuple[str, ...]]] = {
    "wormhole_b0": (
        "ARCH_WORMHOLE",
        "NUM_DRAM_BANKS=12",
        "IS_NOT_POW2_NUM_DRAM_BANKS=1",
        "NUM_L1_BANKS=64",
        "LOG_BASE_2_OF_NUM_L1_BANKS=6",
        "PCIE_NOC_X=0",
        "PCIE_NOC_Y=3",
        "ROUTING_FW_ENABLED",
    ),
    "blackhole": (
        "ARCH_BLACKHOLE",
        "NUM_DRAM_BANKS=8",
        "LOG_BASE_2_OF_NUM_DRAM_BANKS=3",
        "NUM_L1_BANKS=130",
        "IS_NOT_POW2_NUM_L1_BANKS=1",
        "PCIE_NOC_X=19",
        "PCIE_NOC_Y=24",
    ),
}

COMMON_DEFINES: Final = (
    "TENSIX_FIRMWARE",
    "LOCAL_MEM_EN=0",
    "KERNEL_BUILD",
    "PROGRAMMABLE_CORE_TYPE=0",
    "DISPATCH_MESSAGE_ADDR=0",
    'FULL_KERNEL_NAME="kernel"',
)

THREAD_DEFINES: Final[Mapping[Thread, tuple[str, ...]]] = {
    "riscv_0": ("COMPILE_FOR_BRISC", "PROCESSOR_INDEX=0", "NOC_MODE=0"),
    "riscv_1": ("COMPILE_FOR_NCRISC", "PROCESSOR_INDEX=1", "NOC_MODE=0"),
    "unpack": ("COMPILE_FOR_TRISC=0", "PROCESSOR_INDEX=2", "UCK_CHLKC_UNPACK"),
    "math": ("COMPILE_FOR_TRISC=1", "PROCESSOR_INDEX=3", "UCK_CHLKC_MATH"),
    "pack": ("COMPILE_FOR_TRISC=2", "PROCESSOR_INDEX=4", "UCK_CHLKC_PACK"),
}

FIRMWARE: Final[Mapping[Thread, str]] = {
    "riscv_0": "brisck.cc",
    "riscv_1": "ncrisck.cc",
    "unpack": "trisck.cc",
    "math": "trisck.cc",
    "pack": "trisck.cc",
}


def include_folders(arch: Arch) -> tuple[str, ...]:
    """The include path relative to the wheel's ttnn folder, in the build's order."""
    name = {"wormhole_b0": "wormhole", "blackhole": "blackhole"}[arch]
    return (
        "",
        "ttnn",
        "ttnn/cpp",
        "tt_metal/hw/inc",
        "tt_metal/tt-llk/common",
        "tt_metal/tt-llk/tools/include",
        "tt_metal/hostdevcommon/api",
        "tt_metal/api",
        f"tt_metal/hw/ckernels/{arch}/metal/common",
        f"tt_metal/hw/ckernels/{arch}/metal/llk_io",
        "tt_metal/hw/inc/internal/tt-1xx",
        f"tt_metal/hw/inc/internal/tt-1xx/{name}",
        f"tt_metal/hw/inc/internal/tt-1xx/{name}/{arch}_defines",
        f"tt_metal/hw/inc/internal/tt-1xx/{name}/noc",
        f"tt_metal/tt-llk/tt_llk_{arch}/common/inc",
        f"tt_metal/tt-llk/tt_llk_{arch}/llk_lib",
        f"tt_metal/hw/ckernels/{arch}/metal/llk_api",
        f"tt_metal/hw/ckernels/{arch}/metal/llk_api/llk_sfpu",
        "tt_metal/hw/firmware/src/tt-1xx",
        "tt_metal",
    )


def command(kernel: Kernel, toolchain: Toolchain, thread: Thread) -> tuple[str, ...]:
    """The compiler run for one thread, in a folder that holds the generated files."""
    root = toolchain.headers_root
    defines = []
    if kernel.compile_time_args:
        defines.append(f"KERNEL_COMPILE_TIME_ARGS={','.join(map(str, kernel.compile_time_args))}")
    if isinstance(kernel.role, DataMovement):
        defines.append(f"NOC_INDEX={kernel.role.noc}")
    prelude = () if isinstance(kernel.role, DataMovement) else ("-include", precompiled(kernel.arch, thread, toolchain))
    return (
        *settings(kernel.arch, thread, toolchain),
        "-fsyntax-only",
        *(f"-D{define}" for define in defines),
        *prelude,
        *("-include", "named_ct_arg_map_generated.h"),
        str(root / "tt_metal" / "hw" / "firmware" / "src" / "tt-1xx" / FIRMWARE[thread]),
    )


def settings(arch: Arch, thread: Thread, toolchain: Toolchain) -> tuple[str, ...]:
    """The part of a command line that all kernels of a thread have."""
    compiler, root = toolchain.compiler, toolchain.headers_root
    return (
        compiler.path,
        *FLAGS,
        UNKNOWN_ATTRIBUTES,
        "-O3" if thread in COMPUTE_THREADS else "-O2",
        *(f"-D{define}" for define in (*ARCH_DEFINES[arch], *COMMON_DEFINES, *THREAD_DEFINES[thread])),
        "-I.",
        f"-isystem{STAND_INS}",
        *(f"-isystem{root / folder}" for folder in include_folders(arch)),
        *(f"-isystem{folder}" for folder in compiler.library_headers),
    )


PRELUDE: Final = ("internal/firmware_common.h", "ckernel.h", "ckernel_gpr_map.h", "internal/debug/fw_debug.h",
                  "llk_param_structs.h", "llk_defs.h")  # fmt: skip
"""What a compute kernel's firmware includes before anything of the kernel's own: a third of the time that a check takes."""


@functools.cache
def precompiled(arch: Arch, thread: Thread, toolchain: Toolchain) -> str:
    """The prelude, compiled once for all processes; the compiler reads its text where that doesn't fit."""
    flags = settings(arch, thread, toolchain)
    key = hashlib.sha256("\0".join((*flags, *PRELUDE)).encode()).hexdigest()[:16]
    folder = CHECKOUT / ".cache" / f"precompiled-{key}"
    header, target = folder / "prelude.h", folder / "prelude.h.gch"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        header.write_text("".join(f'#include "{name}"\n' for name in PRELUDE))
        beside = folder / f".{os.getpid()}.gch"
        subprocess.run([*flags, "-x", "c++-header", str(header), "-o", str(beside)], check=True, timeout=300)
        beside.replace(target)
    return str(header)


# ----------------------------------------------------------------------------------------
# The files that the runtime generates beside a kernel

FORMAT_CODES: Final[Mapping[DataFormat, int]] = {
    "Float32": 0,
    "Float16_b": 5,
    "Bfp8_b": 6,
    "Bfp4_b": 7,
    "UInt16": 9,
    "Int32": 8,
    "UInt32": 24,
}
"""``enum class DataFormat`` of tensix_types.h, the same on both architectures."""

TF32: Final = 4
UNUSED: Final = 255

TILE_BYTES: Final[Mapping[DataFormat, int]] = {
    "Float32": 4096,
    "Float16_b": 2048,
    "Bfp8_b": 1088,
    "Bfp4_b": 576,
    "UInt16": 2048,
    "Int32": 4096,
    "UInt32": 4096,
}

TILE_SHAPE: Final = {
    "tile_num_faces": 4,
    "partial_face": 0,
    "tile_face_r_dim": 16,
    "narrow_tile": 0,
    "tile_r_dim": 32,
    "tile_c_dim": 32,
    "num_faces_r_dim": 2,
    "num_faces_c_dim": 2,
}

BUFFERS: Final[Mapping[Arch, int]] = {"wormhole_b0": 32, "blackhole": 64}

FIDELITY_CODES: Final[Mapping[MathFidelity, int]] = {"LoFi": 0, "HiFi2": 2, "HiFi3": 3, "HiFi4": 4}


def circular_buffer_descriptors(kernel: Kernel) -> str:
    """``chlkc_descriptors.h``: formats and tile shapes of the circular buffers, the compute configuration."""
    compute = kernel.role if isinstance(kernel.role, Compute) else Compute()
    indices = range(BUFFERS[kernel.arch])
    formats = {index: kernel.circular_buffers.get(index) for index in indices}
    in_memory = [UNUSED if name is None else FORMAT_CODES[name] for name in formats.values()]
    in_registers = [register_format(index, name, compute) for index, name in formats.items()]
    tile_bytes = [TILE_BYTES["Float32"] if name is None else TILE_BYTES[name] for name in formats.values()]

    def array(ctype: str, name: str, values: Iterable[int]) -> str:
        return f"constexpr {ctype} {name}[{len(indices)}] = {{{', '.join(map(str, values))}}};"

    def shapes(side: str) -> list[str]:
        shape = [array("std::uint8_t", f"{side}_{name}", [value] * len(indices)) for name, value in TILE_SHAPE.items()]
        return [*shape, array("std::uint16_t", f"{side}_tile_size", tile_bytes)]

    unpack_source = array("std::int32_t", "unpack_src_format", in_memory)
    fidelity = f"static_cast<ckernel::MathFidelity>({FIDELITY_CODES[compute.math_fidelity]})"
    lines = [
        "#pragma once",
        "#include <cstdint>",
        "#if defined(UCK_CHLKC_MATH) || defined(UCK_CHLKC_PACK)",
        '#include "llk_defs.h"',
        f"constexpr ckernel::MathFidelity MATH_FIDELITY = {fidelity};",
        f"constexpr bool APPROX = {str(compute.math_approx).lower()};",
        "#endif",
        "#if !defined(UCK_CHLKC_PACK)",
        unpack_source,
        array("std::int32_t", "unpack_dst_format", in_registers),
        *shapes("unpack"),
        "#endif",
        "#if !defined(UCK_CHLKC_MATH) && !defined(UCK_CHLKC_UNPACK)",
        array("unsigned char", "pack_src_format", in_registers),
        array("unsigned char", "pack_dst_format", in_memory),
        *shapes("pack"),
        "#if defined(UCK_CHLKC_PACK)",
        unpack_source,
        "#endif",
        "#endif",
        "#if defined(UCK_CHLKC_MATH) || defined(UCK_CHLKC_PACK) || defined(UCK_CHLKC_UNPACK)",
        f"constexpr bool DST_ACCUM_MODE = {str(compute.fp32_dest_acc).lower()};",
        f"#define DST_SYNC_MODE DstSync::Sync{'Full' if compute.dst_full_sync else 'Half'}",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def register_format(index: int, name: DataFormat | None, compute: Compute) -> int:
    """The format in the registers. The build has another rule for the packer: other values, same types."""
    match name:
        case None:
            return UNUSED
        case "Float32" if index not in compute.unpack_to_dest_fp32:
            return TF32 if compute.fp32_dest_acc else FORMAT_CODES["Float16_b"]
        case _:
            return FORMAT_CODES[name]


def named_text(source: str) -> str:
    """The kernel under a line marker: named ``kernel.cpp``, and no system header although one includes it."""
    return f'# 1 "kernel.cpp"\n{source}'


def thread_text(thread: ComputeThread, source: str) -> str:
    """``chlkc_<thread>.cpp``: the thread's macro and the kernel."""
    return f'#define TRISC_{thread.upper()}\n#include "defines_generated.h"\n{named_text(source)}'
