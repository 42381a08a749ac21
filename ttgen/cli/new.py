"""Writes a commented spec to start from, for a formula and the shapes of its inputs.

Shapes of outputs follow from the formula. The spec goes to standard output, or to a file with -o.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final

from ttgen.building import kernel_name
from ttgen.cli.main import OK, print_document
from ttgen.dtypes import DTYPES
from ttgen.errors import OutputError, UserError, printable
from ttgen.formula.infer import infer_outputs
from ttgen.formula.parse import parse
from ttgen.loading import loads
from ttgen.planner.resolve import resolve
from ttgen.source import located
from ttgen.source import parse as parse_source
from ttgen.target import TARGETS, load

_TEMPLATE = """\
# yaml-language-server: $schema=kernel.schema.json
# `ttgen plan` shows what is decided for this spec, `ttgen render` writes the program.
kernel: {kernel}
target: {target}                      # {targets}
tensors:
{tensors}
compute: {formula}

# Everything below is optional; these are the defaults.
# precision:
#   fidelity: {fidelity}                   # LoFi | HiFi2 | HiFi3 | HiFi4; the target's own where left out
#   accumulate: float32               # or bfloat16: twice the destination registers, less exact
#   approximate: false                # true: fast approximations of functions
# schedule:
#   policy: contiguous                # or strided, or rectangular
#   order: row_major                  # or column_major, or {{block_linear: 4}}
#   cores: {{rows: {rows}, cols: {cols}}}       # or a number of cores
#   block: {{m: 1, n: 1, k: 1}}         # the unit of work in tiles: read once, used for all of it
"""

EXAMPLES: Final = """\
  ttgen new "Y = gelu(X @ W + b)" X=2000,4096 W=4096,11008 b=11008
  ttgen new "C = A @ B" A=256,256 B=256,256 --kernel product --dtype bfloat8_b -o product.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("formula", metavar="FORMULA", help='such as "Y = gelu(X @ W + b)"')
    parser.add_argument("shapes", nargs="+", metavar="NAME=SIZES", help="shape of an input, such as X=2000,4096")
    parser.add_argument("--kernel", metavar="NAME", help="the kernel's name (default: from the output's)")
    parser.add_argument("--dtype", choices=tuple(DTYPES), default="bfloat16", help="of all tensors")
    parser.add_argument("--target", choices=TARGETS, default="n150", help="the card (default: n150)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to a file, which must not exist")


def run(options: argparse.Namespace) -> int:
    """Writes a spec."""
    given = [_shape(word) for word in options.shapes]
    shapes = dict(given)
    if len(shapes) < len(given):
        raise UserError("a tensor has one shape: a name is given twice")
    with located(parse_source(f"{options.formula}\n", name="formula")):
        output = parse(options.formula, ()).target
        shapes |= infer_outputs(options.formula, shapes)
    name = options.kernel or kernel_name(output)
    target = load(options.target)
    lines = [
        f"  {tensor}: {{shape: [{', '.join(map(str, shape))}], dtype: {options.dtype}}}"
        for tensor, shape in shapes.items()
    ]
    text = _TEMPLATE.format(
        kernel=name,
        target=options.target,
        fidelity=target.fidelity,
        rows=target.grid.rows,
        cols=target.grid.cols,
        targets=" | ".join(TARGETS),
        tensors="\n".join(lines),
        formula=options.formula.strip(),
    )
    resolve(loads(text, name=str(options.output or "new spec")))
    write_new(text, options.output)
    return OK


def write_new(text: str, path: Path | None) -> None:
    """Writes a spec to a file that doesn't exist, or prints it.

    Raises:
        OutputError: the file can't be written.
    """
    if path is None:
        print_document(text)
        return
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise OutputError(f"{path}: exists already") from None
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None
    print(f"{printable(str(path))}: written")


def _shape(word: str) -> tuple[str, tuple[int, ...]]:
    match = re.fullmatch(r"([A-Za-z]\w*)=(\d+(?:[,x]\d+)*)", word)
    if match is None:
        raise UserError(f"'{word}' is not a shape: write it as X=2000,4096")
    return match[1], tuple(int(size) for size in re.split("[,x]", match[2]))
