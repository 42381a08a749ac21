"""Every code block of README and docs runs, and gives what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from docs import api, errors, generate
from docs.run import with_output

ROOT = Path(__file__).parent.parent


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The language and the text of each fenced block."""
    for match in re.finditer(
        r"^```(\w+)\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        yield match[1], match[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty folder with a copy of what a user has."""
    for name in ("ttgen", "templates", "specs", "snapshots"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    # The copy before the installed package; the command of this interpreter before any other.
    scripts = folder / "scripts"
    scripts.mkdir(exist_ok=True)
    (scripts / "ttgen").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ttgen "$@"\n')
    (scripts / "ttgen").chmod(0o755)
    return {**os.environ, "PYTHONPATH": str(folder), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


def test_readme_commands_and_their_output(checkout: Path) -> None:
    variables = environment(checkout)
    output = ""
    ran = 0
    for language, text in blocks("README.md"):
        if language == "sh" and "pip install" in text:
            continue  # set-up and tests: the gate runs both from nothing
        if language == "sh":
            done = subprocess.run(
                ["sh", "-e"], input=text, cwd=checkout, env=variables, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            output = done.stdout
            ran += 1
        elif language == "python":
            done = subprocess.run(
                [sys.executable, "-c", text], cwd=checkout, env=variables, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            ran += 1
        elif language == "console" and "error:" not in text:
            assert output == text
    assert ran == 6


def test_readme_shows_the_real_spec_kernel_and_message(tmp_path: Path) -> None:
    shown = dict(blocks("README.md"))
    first = next(text for language, text in blocks("README.md") if language == "yaml")
    assert yaml.safe_load(first) == yaml.safe_load((ROOT / "specs/gemm.yaml").read_text())
    assert shown["cpp"] in (ROOT / "snapshots/gemm/kernels/compute.cpp").read_text()
    message = next(text for language, text in blocks("README.md") if "error:" in text)
    (tmp_path / "specs").mkdir()
    shutil.copy(ROOT / "tests/bad_specs/many_mistakes.yaml", tmp_path / "specs/mlp.yaml")
    command = [sys.executable, "-m", "ttgen", "validate", "specs/mlp.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert message in done.stderr


@pytest.mark.parametrize("page", ["docs/pipeline.md", "docs/rows.md", "docs/attention.md", "docs/meshes.md"])
def test_pages_that_run_from_top_to_bottom(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert with_output(text, page) == text


def test_the_reference_is_made_from_the_code() -> None:
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page()


def test_the_api_page_is_made_from_docstrings() -> None:
    assert api.PAGE.read_text(encoding="utf-8") == api.page()


def test_the_page_of_codes_is_made_from_the_table() -> None:
    assert errors.PAGE.read_text(encoding="utf-8") == errors.page()


def test_every_public_name_is_there_and_imported_when_it_is_used() -> None:
    import ttgen

    assert sorted(ttgen.__all__) == ttgen.__all__ == dir(ttgen)
    code = "import sys, ttgen; assert not any(name in sys.modules for name in ('ttgen.errors', 'ttgen.spec', 'yaml'))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert all(getattr(ttgen, name) for name in ttgen.__all__)
    with pytest.raises(AttributeError, match="module 'ttgen' has no attribute 'Spec'"):
        ttgen.Spec  # noqa: B018


SECTIONS = ["A policy", "A pattern", "An operation", "A target", "An API profile"]


@pytest.mark.parametrize("title", SECTIONS)
def test_a_worked_diff_works(title: str, checkout: Path) -> None:
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == SECTIONS
    section = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    diff, code, expected = (
        re.search(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
        for language in ("diff", "python", "text")
    )
    assert diff is not None
    assert code is not None
    assert expected is not None
    # What is to be done before.
    for command in re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE):
        subprocess.run(command, cwd=checkout, check=True, shell=True)
    subprocess.run(["git", "apply", "-"], input=diff[1], cwd=checkout, check=True, text=True)
    for words in (["check", "-q"], ["format", "-q", "--check"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "--config", ROOT / "pyproject.toml", "ttgen"],
            cwd=checkout,
            check=True,
        )
    variables = environment(checkout)
    subprocess.run([sys.executable, "-m", "ttgen.schema.write"], cwd=checkout, env=variables, check=True)
    done = subprocess.run(
        [sys.executable, "-c", code[1]], cwd=checkout, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == (expected[1], 0), done.stderr


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert ((ROOT / page).parent / target).exists(), target
