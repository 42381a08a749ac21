"""What a command found, whatever it is printed as."""

from __future__ import annotations

from typing import Literal

from ttgen.codes import OTHER, code_of
from ttgen.errors import SpecError, UserError
from ttgen.records import dataclass

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that a command says of a file.

    Attributes:
        level: an `error` makes the command fail.
        code: of its kind.
        message: on one line.
        subject: the spec or the kernel that it is about.
        file: where it is; empty where it is in no file.
        line: from 1; None for the whole file.
        column: from 1, in characters.
        length: in characters.
    """

    level: Level
    code: str
    message: str
    subject: str
    file: str = ""
    line: int | None = None
    column: int | None = None
    length: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a command found.

    Attributes:
        command: its name.
        subjects: the specs or kernels that it went through.
        notes: what it says of them.
        summary: a line.
        body: details in Markdown, where there are more than notes.
    """

    command: str
    subjects: tuple[str, ...]
    notes: tuple[Note, ...]
    summary: str
    body: str = ""

    def of(self, subject: str) -> tuple[Note, ...]:
        """What is said of a spec or a kernel."""
        return tuple(note for note in self.notes if note.subject == subject)


def problems(error: UserError, subject: str) -> tuple[Note, ...]:
    """The notes of a user's mistake: all of its problems, at their places."""
    if not isinstance(error, SpecError) or not error.places:
        return (Note(level="error", code=OTHER, message=" ".join(str(error).split()), subject=subject, file=subject),)
    return tuple(
        Note(
            level="error",
            code=code_of(problem.message),
            message=problem.message,
            subject=subject,
            file=place.file,
            line=place.line + 1,
            column=place.column + 1,
            length=place.length,
        )
        for problem, place in zip(error.problems, error.places, strict=True)
    )
