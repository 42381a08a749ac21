"""The action and the hooks, as a team has them: their steps run as they stand, in a repository of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SPEC = """\
kernel: {name}
tensors:
  A: {{shape: [64, 64], dtype: bfloat16}}
  C: {{shape: [64, 64], dtype: bfloat16}}
compute: C = {formula}
"""
# What is called instead of GitHub's own command line: it notes what it is asked, and knows of the comments so far.
GH = """\
#!/bin/sh
echo "$*" >> "$GH_LOG"
case "$*" in
  *--paginate*) cat "$GH_COMMENTS" ;;
esac
"""


def git(*words: str) -> None:
    settings = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b.c",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "protocol.file.allow=always",
    ]
    subprocess.run(["git", *settings, *words], check=True, capture_output=True)


def ttgen(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ttgen", *words], check=False, capture_output=True, text=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a repository with a kernel, on a branch; commands of the step's shell are on the path."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "bin").mkdir()
    for name, text in (("ttgen", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ttgen "$@"\n'), ("gh", GH)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_LOG", str(tmp_path / "gh.log"))
    monkeypatch.setenv("GH_COMMENTS", str(tmp_path / "comments"))
    (tmp_path / "comments").write_text("")
    (tmp_path / "origin" / "specs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "origin")
    Path("specs/one.yaml").write_text(SPEC.format(name="one", formula="relu(A)"))
    assert ttgen("render", "specs", "-q").returncode == 0
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("clone", "-q", "--depth", "1", f"file://{tmp_path / 'origin'}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    git("checkout", "-qb", "change")
    return tmp_path / "clone"


def steps() -> dict[str, Any]:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    return {step["name"]: step for step in action["runs"]["steps"] if "run" in step}


def run_step(name: str, folder: Path, **known: str) -> subprocess.CompletedProcess[str]:
    """A step's script in its shell, with what its expressions are here."""
    step = steps()[name]
    environment = {}
    for key, value in step["env"].items():
        match = re.fullmatch(r"\$\{\{ ([\w.-]+) \}\}(.*)", value)
        assert match is not None, value
        environment[key] = known[match[1]] + match[2]
    for name_ in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        environment[name_] = str(folder.parent / name_.lower())
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={**os.environ, **environment},
        check=False, capture_output=True, text=True,
    )  # fmt: skip


def check(clone: Path, *, fail_on: str = "") -> tuple[dict[str, str], str]:
    """The outputs of the step that checks, and what it printed."""
    known = {"inputs.specs": "specs", "inputs.output": "rendered", "inputs.fail-on": fail_on, "github.base_ref": "main",
             "runner.temp": str(clone.parent)}  # fmt: skip
    done = run_step("Check", clone, **known)
    assert done.returncode == 0, done.stderr
    lines = (clone.parent / "github_output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines), done.stdout


def comment(clone: Path, outputs: dict[str, str]) -> str:
    known = {"inputs.token": "secret", "github.repository": "team/kernels", "github.event.pull_request.number": "7",
             "steps.check.outputs.reports": outputs["reports"]}  # fmt: skip
    done = run_step("Comment", clone, **known)
    assert done.returncode == 0, done.stderr
    return (clone.parent / "gh.log").read_text().splitlines()[-1]


def result(clone: Path, outputs: dict[str, str]) -> int:
    return run_step("Result", clone, **{"steps.check.outputs.status": outputs["status"]}).returncode


def test_a_pull_request(clone: Path) -> None:
    Path("specs/one.yaml").write_text(SPEC.format(name="one", formula="abs(A)"))
    outputs, printed = check(clone, fail_on="values")
    # It wasn't rendered, and computes something else.
    assert "::error file=rendered/one/kernels/compute.cpp," in printed
    assert "one fails values: different formula" in printed
    assert result(clone, outputs) == 1
    assert ttgen("render", "specs", "-q").returncode == 0
    outputs, printed = check(clone)
    assert "0 of " in printed
    assert "::warning file=specs/one.yaml,line=5,title=TG600 one::" in printed
    assert result(clone, outputs) == 0
    reports = Path(outputs["reports"])
    assert json.loads((reports / "diff.json").read_text())["kernels"][0]["verdict"] == "different formula"
    assert json.loads((reports / "ttgen.sarif").read_text())["runs"][0]["results"] == []
    text = (reports / "comment.md").read_text()
    assert text.startswith("<!-- ttgen diff -->\n")
    # Who reads nothing else can decide: what it computed, what it computes, and for which input that differs.
    assert "| one | different formula |" in text
    assert "C = relu(A)  ->  C = abs(A)" in text
    assert "for A = -1.5 everywhere: C[0, 0] was 0, is 1.5" in text
    assert comment(clone, outputs) == (
        f"api --silent --method POST repos/team/kernels/issues/7/comments -F body=@{reports}/comment.md"
    )
    (clone.parent / "comments").write_text("42\n43\n")
    assert "--method PATCH repos/team/kernels/issues/comments/42 " in comment(clone, outputs)


def test_a_pull_request_of_something_else(clone: Path) -> None:
    Path("README.md").write_text("words")
    outputs, printed = check(clone, fail_on="values,interface,cost>5%")
    assert "::" not in printed
    assert result(clone, outputs) == 0


def test_the_action_passes_inputs_as_variables_only() -> None:
    """What somebody names a branch is no part of a script."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert step.get("uses", "actions/").startswith("actions/")
    assert {name for name in action["inputs"] if "default" not in action["inputs"][name]} == set()


def hooks() -> dict[str, Any]:
    return {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def run_hook(name: str) -> int:
    """What pre-commit does with a hook: the files that it is for, if any changed."""
    hook = hooks()[name]
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    files = [file for file in listed if re.search(hook["files"], file)]
    assert files
    words = shlex.split(hook["entry"])[1:] + hook.get("args", []) + (files if hook.get("pass_filenames", True) else [])
    return ttgen(*words).returncode


def test_hooks(clone: Path) -> None:
    assert run_hook("ttgen-render-check") == 0
    Path("specs/one.yaml").write_text(
        SPEC.format(name="one", formula="abs(A)").replace("kernel: one\n", "") + "kernel:  one\n"
    )
    assert run_hook("ttgen-render-check") == 2
    assert run_hook("ttgen-fmt") == 0
    assert Path("specs/one.yaml").read_text() == SPEC.format(name="one", formula="abs(A)")
    assert run_hook("ttgen-render") == 0
    assert run_hook("ttgen-render-check") == 0
    path = Path("rendered/one/kernels/reader.cpp")
    path.write_text(path.read_text() + "// mine\n")
    assert run_hook("ttgen-render-check") == 2
