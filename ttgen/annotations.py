"""What a field of a document says beside its type: a sentence and bounds, the source of schema and reference."""

from __future__ import annotations

from ttgen.records import dataclass


@dataclass(frozen=True, slots=True)
class Doc:
    """The description of one field.

    Attributes:
        text: one sentence, without the field's name.
        noun: what a value is called in a message ("dtype").
        minimum: least value of the field's integers.
        maximum: largest value of the field's integers.
        least: least number of entries of a list or a mapping.
        pattern: regular expression of the field's strings; of the keys of a mapping.
        example: a value to show in the reference.
    """

    text: str
    noun: str = ""
    minimum: int | None = None
    maximum: int | None = None
    least: int | None = None
    pattern: str | None = None
    example: str | None = None
