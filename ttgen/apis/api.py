"""What a release of TT-Metalium spells and needs."""

from __future__ import annotations

from collections.abc import Mapping

from ttgen.dtypes import DTypeName
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A release, as far as rendered programs have to do with it; the rest is the text of its templates.

    Attributes:
        version: that plans name.
        templates: the folder of its templates: kernels with a macro a statement and an operation, host programs, CMake.
        compute_headers: what every compute kernel includes.
        headers: what operations need beside those, by operation: headers that declare it, and those that these need and
            don't include.
        defines: what a kernel has to define for an operation: by these, headers choose among algorithms.
        program_files: of a kernel's host program, below the kernel's folder.
        exchange_files: of one whose devices exchange something, beside those.
        python_file: that of a kernel's function for Python, which is called what the kernel is.
        folder_files: that all kernels of an output folder share.
        data_formats: the enumerator of `tt::DataFormat`, by dtype.
    """

    version: str
    templates: str
    compute_headers: tuple[str, ...]
    headers: Mapping[str, tuple[str, ...]]
    defines: Mapping[str, tuple[str, ...]]
    program_files: tuple[str, ...]
    exchange_files: tuple[str, ...]
    python_file: str
    folder_files: tuple[str, ...]
    data_formats: Mapping[DTypeName, str]
