"""What `render --check` found, as notes: each file that isn't what its spec says, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ttgen.errors import counted
from ttgen.formats.report import Note, Report
from ttgen.origins import Reason
from ttgen.output import Change, differences

_CODES: Final[Mapping[tuple[Reason, ...], str]] = {("edited",): "TG500", ("spec",): "TG501", ("ttgen",): "TG502"}
_DIFF_LINES: Final = 400


def report(
    folder: Path,
    changes: Sequence[Change],
    left_over: Mapping[str, str],
    drifts: Mapping[str, tuple[Reason, ...]],
    words: Mapping[Reason, str],
    kernels: Sequence[str],
) -> Report:
    """All that differs.

    Args:
        folder: the output folder.
        changes: of all files.
        left_over: kernels that no spec makes any more, each with its spec.
        drifts: why the files of a kernel differ.
        words: what each reason is called.
        kernels: those that were rendered.
    """
    notes = tuple(_notes(folder, changes, left_over, drifts, words))
    different = sum(change.state != "same" for change in changes)
    lines = list(differences(changes))
    shown = "\n".join(line.replace("```", "'''") for line in lines[:_DIFF_LINES])
    more = f"\nand {len(lines) - _DIFF_LINES} lines more" if len(lines) > _DIFF_LINES else ""
    body = f"<details><summary>The diff</summary>\n\n```diff\n{shown}{more}\n```\n\n</details>" if lines else ""
    return Report(
        command="render --check",
        subjects=(*kernels, *(kernel for kernel in left_over), *_others(notes, {*kernels, *left_over})),
        notes=notes,
        summary=f"{different} of {counted(len(changes), 'file')} {'differs' if different == 1 else 'differ'}",
        body=body,
    )


def _others(notes: Sequence[Note], known: set[str]) -> list[str]:
    """What is in no kernel's folder."""
    return list(dict.fromkeys(note.subject for note in notes if note.subject not in known))


def _notes(
    folder: Path,
    changes: Sequence[Change],
    left_over: Mapping[str, str],
    drifts: Mapping[str, tuple[Reason, ...]],
    words: Mapping[Reason, str],
) -> Iterator[Note]:
    for change in changes:
        if change.state == "same":
            continue
        subject = change.path.split("/", 1)[0]
        why = drifts.get(subject, ())
        because = " and ".join(words[reason] for reason in why)
        code, message = _CODES.get(why, "TG503"), f"{_STATES[change.state]}{f': {because}' if because else ''}"
        if change.state == "left over" or subject in left_over:
            code = "TG504"
            whose = "a run that was killed" if change.state == "left over" else f"{left_over[subject]}, which is gone"
            message = f"left over by {whose}; the next render removes it"
        yield Note(
            level="error",
            code=code,
            message=message,
            subject=subject,
            file=(folder / change.path).as_posix(),
            line=_first_difference(change),
        )


_STATES: Final[Mapping[str, str]] = {
    "new": "is missing", "changed": "isn't what the spec says", "stale": "isn't made by the spec any more",
}  # fmt: skip


def _first_difference(change: Change) -> int | None:
    """The first line, from 1, of a file that is otherwise; None for one that isn't there, or goes."""
    if change.before is None or change.after is None:
        return None
    before, after = change.before.splitlines(), change.after.splitlines()
    for number, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return number + 1
    return min(len(before), len(after)) or 1
