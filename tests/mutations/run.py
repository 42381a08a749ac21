"""Runs tests with a fault in a module: one process forks a child for each fault, which imports the faulty package.

Nothing on disk changes. The first argument is a file that the results go to, a JSON object by place in the table;
the others are places.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutations import FAULTS
from tests.mutations.fault import Fault

PACKAGE = Path(__file__).resolve().parents[2] / "ttgen"
SECONDS = 60


class _Faulty(importlib.abc.MetaPathFinder):
    """Finds one module with a fault in it."""

    def __init__(self, fault: Fault) -> None:
        self.name = "ttgen." + fault.module.replace("/", ".")
        self.path = PACKAGE / f"{fault.module}.py"
        self.text = self.path.read_text(encoding="utf-8").replace(fault.old, fault.new)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=_Loader(fullname, self))


class _Loader(importlib.abc.SourceLoader):
    def __init__(self, name: str, fault: _Faulty) -> None:
        self.name, self.fault = name, fault

    def get_filename(self, fullname: str) -> str:
        return str(self.fault.path)

    def get_data(self, path: str) -> bytes:
        if path == str(self.fault.path):
            return self.fault.text.encode()
        raise OSError(path)  # no bytecode


def _child(fault: Fault) -> int:
    sys.meta_path.insert(0, _Faulty(fault))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    signal.alarm(SECONDS)  # a fault that never ends is caught too
    plugins = ["-p", "syrupy"] if "snapshots" in fault.test else []
    return int(pytest.main([fault.test, "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *plugins]))


def _load_what_isnt_ours() -> None:
    """Once, before the forks: pytest's own plugins among it."""
    for name in ("cattrs", "jinja2", "jsonschema", "numpy", "yaml"):
        importlib.import_module(name)
    with redirect_stdout(io.StringIO()):
        pytest.main(["--help"])
    gc.freeze()  # pytest collects garbage twice a session: not among all this


def main(target: str, places: Sequence[str]) -> None:
    """Runs the tests of each fault and writes pytest's exit codes; negative where a signal ended it."""
    _load_what_isnt_ours()
    results = {}
    for place in places:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                code = _child(FAULTS[int(place)])
            finally:
                os._exit(code)
        _pid, status = os.waitpid(child, 0)
        results[place] = os.waitstatus_to_exitcode(status)
    Path(target).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    assert "ttgen" not in sys.modules
    main(sys.argv[1], sys.argv[2:])
