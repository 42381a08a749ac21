"""What docs/importing.md shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/importing.md"


def test_the_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "gemm.py").write_text(next(text for language, text in blocks if language == "python"))
    command = tmp_path / "ttgen"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ttgen "$@"\n')
    command.chmod(0o755)
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(PAGE.parents[1])}
    output = ""
    ran = 0
    for language, text in blocks:
        if language == "sh":
            done = subprocess.run(
                ["sh", "-e"],
                input=text,
                cwd=tmp_path,
                env=os.environ | path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            output = done.stdout + done.stderr
            ran += 1
        elif language == "console":
            assert output == text
    assert ran == 2
    assert (tmp_path / "rendered/gemm/kernels/compute.cpp").is_file()
