"""The `ttgen` command: arguments in, an exit status out. Each command is a module that is imported when it is used."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from importlib import import_module

from ttgen.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

    from ttgen.cli.parser import Parser

OK: Final = 0
USER_ERROR: Final = 1
DIFFERS: Final = 2
NO_DEVICE: Final = 3
NOT_JUDGED: Final = 4
USAGE: Final = 64

_DESCRIPTION: Final = """\
From a YAML spec to a complete Tenstorrent TT-Metalium program: reader, compute and
writer kernels, a C++ host program, and tt.plan.json, proven right before it is written.

  ttgen new "Y = gelu(X @ W + b)" X=200,512 W=512,128 b=128 --kernel up > specs/up.yaml
  ttgen plan specs/up.yaml            # what is decided, and why
  ttgen render specs                  # writes rendered/up/, and a folder for each other spec
  ttgen render --check specs          # in CI: shows the diff, exits 2 when files differ
  ttgen diff specs --against main     # what changed, what it costs, and why
  ttgen verify specs/up.yaml          # runs it in an emulator, and compares with NumPy
  ttgen run specs/up.yaml             # runs it on a card, through ttnn
"""

_COMMANDS: Final = {
    "render": "write the program of each spec",
    "validate": "check specs, and write nothing",
    "diff": "show what changed since a revision of git, what it costs, and why",
    "verify": "run the program of each spec without a card, and compare with NumPy",
    "run": "run the program of each spec on a card, and compare with NumPy",
    "plan": "show what is decided for a spec, and why",
    "explain": "explain a code of a mistake, or a number or decision of a plan",
    "estimate": "predict how long the program of each spec takes, and what it waits for",
    "tune": "try many schedules of a spec, and put the best into it",
    "report": "write a page about kernels: work, memory, time, decisions, drawn",
    "fmt": "write specs in their canonical form",
    "new": "write a commented spec to start from",
    "import": "make a spec of a TileLang kernel, proven to compute the same",
    "schema": "print the JSON Schema of specs or of tt.plan.json",
    "targets": "list the cards",
}

_MODULES: Final = {"import": "import_kernel"}
"""Modules of commands whose name a module can't have."""

_EXIT_STATUS: Final = """\
exit status:
  0  fine
  1  a mistake in a spec, a file that can't be read or written, or a program that isn't right
  2  --check: what would be rendered differs, or a run that was killed left files; diff: a gate of --fail-on
  3  run: no ttnn, no device, or not one that the program was planned for
  4  verify, run, tune --verify: nothing wrong was found, but not every output could be judged
  64 wrong usage
"""

_ENVIRONMENT: Final = """
environment:
  NO_COLOR        messages without colour; a terminal gets them with
  FORCE_COLOR     messages with colour, in a file or a pipe too
  XDG_CACHE_HOME  where results and what verify compiles are kept (default: ~/.cache)
"""


def parser(command: str | None = None) -> Parser:
    """The parser; with the arguments of `command` only, so that a command imports no other."""
    import argparse

    from ttgen.cli.parser import Parser

    top = Parser(
        prog="ttgen",
        description=_DESCRIPTION,
        epilog=_EXIT_STATUS + _ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"ttgen {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, summary in _COMMANDS.items():
        module = import_module(f"ttgen.cli.{_MODULES.get(name, name)}") if name == command else None
        added = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__ if module else None,
            epilog=f"{_EXIT_STATUS}\nexamples:\n{module.EXAMPLES}" if module else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if module:
            module.add_arguments(added)
            added.set_defaults(run=module.run, parser=added)
    return top


def main(arguments: list[str]) -> int:
    """Runs a command line, without the program's name; returns the exit status."""
    if arguments == ["--version"]:
        # What asks for it waits for it: argparse would double the time.
        print(f"ttgen {__version__}")
        return OK
    command = next((word for word in arguments if not word.startswith("-")), None)
    top = parser(command)
    if not arguments:
        top.print_help()
        return OK
    if command is not None and command not in _COMMANDS:
        from ttgen.errors import suggest

        top.error(f"no such command '{command}'{suggest(command, _COMMANDS)}")
    options, others = top.parse_known_args(arguments)
    if others:
        options.parser.refuse_options(others)
    from ttgen.errors import UserError

    try:
        return int(options.run(options))
    except UserError as error:
        from ttgen.cli.terminal import complain

        complain(error)
        return USER_ERROR


def print_document(text: str) -> None:
    """Prints a document as its file has it: in UTF-8, whatever the encoding of the terminal is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)


def run() -> NoReturn:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What the terminal's encoding hasn't is escaped.
            stream.reconfigure(errors="backslashreplace")
    # What a command allocates lives until it ends: looking for garbage would only walk the plans.
    gc.disable()
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has seen enough.
        status = OK
    except KeyboardInterrupt:
        status = 130
    # Every file is closed by now; taking the interpreter down object by object would be a tenth of a short run.
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(status)
