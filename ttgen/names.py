"""Names of a spec: what C++, the SDK, Python's formulas or CMake would reject is refused where it is declared."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
MAX_LENGTH: Final = 40

# Keywords and alternative tokens of C++20.
_KEYWORDS: Final = frozenset(
    (
        "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t "
        "class compl concept const consteval constexpr constinit const_cast continue co_await co_return co_yield "
        "decltype default delete do double dynamic_cast else enum explicit export extern false float for friend "
        "goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private "
        "protected public register reinterpret_cast requires return short signed sizeof static static_assert "
        "static_cast struct switch template this thread_local throw true try typedef typeid typename union "
        "unsigned using virtual void volatile wchar_t while xor xor_eq"
    ).split()
)

# Object-like macros of the kernel build's common headers and of the C library that hosts include, as spelled there.
_MACROS: Final = frozenset(
    (
        "ALWI APPROX EOF EXP_APPROX FORCE_INLINE INFINITY MATH MATH_FIDELITY MAIN NAN NDEBUG NOC_INDEX NOC_MODE "
        "NULL PACK TRISC_MATH TRISC_PACK TRISC_UNPACK UNPACK assert errno linux stderr stdin stdout unix"
    ).split()
)


# What rendered kernels use of the kernel API under a name that one made from a tensor's would hide (`cb_` before it).
_HIDDEN: Final = frozenset(
    "interface pages_available_at_front pages_reservable_at_back pop_front push_back reserve_back wait_front".split()
)

# The type of a tensor in rendered host programs, whose struct of tensors has a field named after each.
_TYPE: Final = "Buffer"

# Targets that CMake reserves (policy CMP0037), always or where testing and packaging are on; those that its generators
# make; and what lies in every build folder, where the executable goes.
_CMAKE: Final = frozenset(
    (
        "all ALL_BUILD clean cmake_check_build_system cmake_force default_target depend edit_cache help install "
        "INSTALL list_install_components package PACKAGE package_source preinstall rebuild_cache RUN_TESTS test "
        "ZERO_CHECK CMakeFiles Makefile"
    ).split()
)


# What rendered functions for Python use, which a function of that name would hide.
_PYTHON: Final = frozenset({"PROGRAMS", "np", "numpy_parts", "ttnn", "ttnn_parts"})


def identifier_problem(name: str) -> str | None:
    """Why a name can't be an identifier of the generated code, as the rest of a sentence; None where it can."""
    if not name:
        return "is empty"
    if name.startswith("_"):
        return "begins with '_', which C++ reserves"
    if not _IDENTIFIER.fullmatch(name):
        return "is not a C++ identifier: letters, digits and single '_', beginning with a letter"
    if "__" in name:
        return "contains '__', which C++ reserves"
    if len(name) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if name in _KEYWORDS:
        return "is a keyword of C++"
    if name in _MACROS:
        return "is a macro of the SDK or the C library"
    return None


def tensor_problem(name: str) -> str | None:
    """Why a tensor can't have a name: names of the generated code are made from it, and formulas read it."""
    if problem := identifier_problem(name):
        return problem
    if name.endswith("_"):
        return "ends with '_': names made from it would contain '__', which C++ reserves"
    if iskeyword(name):
        return "is a keyword of Python, which formulas are read as"
    if name in _HIDDEN:
        return f"would hide cb_{name} of the SDK"
    if name == _TYPE:
        return "would hide a type of rendered host programs"
    return None


def kernel_problem(name: str) -> str | None:
    """Why a kernel can't have a name: it is that of a folder, and of targets of the rendered CMakeLists.txt."""
    if problem := identifier_problem(name):
        return problem
    if iskeyword(name):
        return "is a keyword of Python, where the kernel is a function"
    if name in _PYTHON:
        return "is what the kernel's function for Python uses"
    if name.lower() == "host":
        return "is the folder of what all kernels share"
    if name in _CMAKE:
        return "is a name that CMake keeps for itself, and the program's target has the kernel's name"
    return None
