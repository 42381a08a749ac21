"""Notes as documents: JSON of our own, GitLab's code quality, SARIF 2.1.0 and JUnit's XML."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from ttgen.codes import CODES
from ttgen.formats.report import Level, Note, Report
from ttgen.version import __version__

FORMAT_VERSION: Final = 1
"""Of the JSON form: removing or renaming something raises it."""
SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_SEVERITIES: Final[Mapping[Level, str]] = {"error": "major", "warning": "minor", "note": "info"}


def as_json(report: Report) -> str:
    """Everything of a report but its details."""
    notes = [{item.name: getattr(note, item.name) for item in fields(note)} for note in report.notes]
    return _text(
        {
            "format_version": FORMAT_VERSION,
            "command": report.command,
            "checked": list(report.subjects),
            "notes": notes,
            "summary": report.summary,
        }
    )


def gitlab(report: Report) -> str:
    """A code quality report: https://docs.gitlab.com/ci/testing/code_quality/."""
    return _text(
        [
            {
                "description": f"{note.code}: {note.message}",
                "check_name": note.code,
                "fingerprint": mark,
                "severity": _SEVERITIES[note.level],
                "location": {"path": note.file or note.subject, "lines": {"begin": note.line or 1}},
            }
            for note, mark in zip(report.notes, _fingerprints(report), strict=True)
        ]
    )


def sarif(report: Report) -> str:
    """A log of one run, with the kinds that it has results of as rules."""
    used = {note.code for note in report.notes}
    rules = [
        {
            "id": item.code,
            "shortDescription": {"text": item.title},
            "help": {"text": item.fix},
        }
        for item in CODES
        if item.code in used
    ]
    driver = {"name": "ttgen", "version": __version__, "rules": rules}
    results = [_result(*each) for each in zip(report.notes, _fingerprints(report), strict=True)]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _text({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(note: Note, mark: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(note.file.replace("\\", "/"))}}
    if note.line is not None:
        place["region"] = {"startLine": note.line}
        if note.column is not None:
            place["region"] |= {"startColumn": note.column, "endColumn": note.column + note.length}
    return {
        "ruleId": note.code,
        "level": note.level,
        "message": {"text": note.message},
        **({"locations": [{"physicalLocation": place}]} if note.file else {}),
        "partialFingerprints": {"ttgen/v1": mark},
    }


def junit(report: Report) -> str:
    """A test case a spec or kernel: errors are failures, the rest is what it printed."""
    cases = []
    failures = 0
    for subject in report.subjects:
        notes = report.of(subject)
        errors = [note for note in notes if note.level == "error"]
        failures += bool(errors)
        inner = []
        if errors:
            about = f"type={_attribute(errors[0].code)} message={_attribute(errors[0].message)}"
            inner.append(f"      <failure {about}>{_body(errors)}</failure>")
        if others := [note for note in notes if note.level != "error"]:
            inner.append(f"      <system-out>{_body(others)}</system-out>")
        head = f"    <testcase name={_attribute(subject)} classname={_attribute(f'ttgen.{report.command}')}"
        cases += [f"{head}>", *inner, "    </testcase>"] if inner else [f"{head}/>"]
    counts = f'tests="{len(report.subjects)}" failures="{failures}" errors="0"'
    lines = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="ttgen" {counts}>',
        f"  <testsuite name={_attribute(f'ttgen {report.command}')} {counts}>",
        *cases,
        "  </testsuite>",
        "</testsuites>",
    )
    return "\n".join(lines) + "\n"


def _body(notes: list[Note]) -> str:
    lines = (f"{note.file}:{note.line or 1}: {note.code} {note.message}" for note in notes)
    return escape(_printable("\n".join(lines)))


def _attribute(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    """What XML 1.0 can hold."""
    return "".join(
        character if character in "\t\n" or (" " <= character < "\ud800") or "\ue000" <= character < "\ufffe"
        or character > "\uffff" else "?"
        for character in text
    )  # fmt: skip


def _fingerprints(report: Report) -> list[str]:
    """What tells a note from others, and stays when lines move; the same note again has a number."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for note in report.notes:
        key = (note.file or note.subject, note.code, note.message)
        seen[key] += 1
        text = "\0".join((*key, str(seen[key])))
        found.append(hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:32])
    return found


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
