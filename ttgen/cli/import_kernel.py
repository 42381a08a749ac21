"""Makes a spec of a TileLang kernel, proven to compute the same.

The file is read, and never run. Parameters have their defaults, or what --set gives them. The spec goes to standard
output, or to a file with -o; what was compared goes to standard error.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ttgen.cli.main import OK
from ttgen.cli.new import write_new
from ttgen.cli.specs import require_numpy
from ttgen.dtypes import DTYPES
from ttgen.errors import UserError, listing, printable

if TYPE_CHECKING:
    from ttgen.importing.importer import Imported

EXAMPLES: Final = """\
  ttgen import gemm.py
  ttgen import kernels.py:linear --set M=1000 K=512 N=700 -o specs/linear.yaml
  ttgen import kernels.py:softmax.main --set M=512 N=1000 --dtype float16=bfloat16 float32=bfloat16
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("kernel", metavar="FILE[:NAME]", help="a file, and the kernel's function where it has several")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="values of parameters and of sizes"
    )
    parser.add_argument(
        "--dtype", nargs="+", action="extend", default=[], metavar="FROM=TO", help="such as float16=bfloat16"
    )
    parser.add_argument("--unproven", action="store_true", help="write what isn't proven too, and mark it")
    parser.add_argument("-o", "--output", type=Path, metavar="SPEC", help="write to a file, which must not exist")


def run(options: argparse.Namespace) -> int:
    """Writes a spec."""
    require_numpy("import", "numpy", ("numpy",))
    from ttgen.importing.importer import import_file

    path, name = _place(options.kernel)
    given = {name: _value(text) for name, text in _pairs(options.set, "--set").items()}
    dtypes = _pairs(options.dtype, "--dtype")
    for dtype in dtypes.values():
        if dtype not in DTYPES:
            raise UserError(f"--dtype: '{dtype}' is none of a spec's dtypes: {listing(DTYPES)}")
    imported = import_file(path, name, given, dtypes=dtypes, unproven=options.unproven)
    write_new(imported.text, options.output)
    for line in _report(imported, printable(str(path))):
        print(line, file=sys.stderr)
    return OK


def _place(word: str) -> tuple[Path, str | None]:
    """A file, and a name in it."""
    match = re.fullmatch(r"(.+):([A-Za-z_][\w.]*)", word)
    return (Path(match[1]), match[2]) if match else (Path(word), None)


def _pairs(words: list[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name or not value:
            raise UserError(f"{option}: '{word}' is not NAME=VALUE")
        if name in found:
            raise UserError(f"{option}: '{name}' is given twice")
        found[name] = value
    return found


def _value(text: str) -> Any:
    """A number, True, False or a word."""
    if text in ("True", "False"):
        return text == "True"
    if re.fullmatch(r"[-+]?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text):
        return float(text)
    return text


def _report(imported: Imported, file: str) -> list[str]:
    """What was compared, and what to know of it."""
    agreed = [
        verdict.case.text or "its own sizes" for verdict in imported.proof.verdicts if verdict.outcome == "agrees"
    ]
    lines = [f"{imported.kernel}: {formula}" for formula in imported.formulas]
    if imported.proof.holds:
        lines.append(f"{imported.kernel}: proven at {'; '.join(agreed)}")
    else:
        lines.append(f"{imported.kernel}: UNPROVEN: {imported.proof.failure}")
    for warning in imported.warnings:
        line, column, _length = warning.at
        lines.append(f"{file}:{line + 1}:{column + 1}: warning: {warning.text}")
    return lines
