"""Every kind of mistake has one code."""

from __future__ import annotations

import re

import pytest

from tests.snapshots import BAD_SPECS
from ttgen.codes import CODES, matching


def messages() -> list[str]:
    lines = [line for path in sorted((BAD_SPECS / "messages").glob("*.txt")) for line in path.read_text().splitlines()]
    return sorted({match[1] for line in lines if (match := re.match(r"specs/[^:]*:\d+:\d+: error: (.*)", line))})


@pytest.mark.parametrize("message", messages())
def test_every_message_has_exactly_one_code(message: str) -> None:
    assert len(matching(message)) == 1, matching(message)


def test_codes_are_in_order_and_each_is_used() -> None:
    assert [item.code for item in CODES] == sorted({item.code for item in CODES})
    assert len({item.title for item in CODES}) == len(CODES)
    used = {code for message in messages() for code in matching(message)}
    # What no bad spec of one file shows: names of two files, and what a card's memory or a core's code can't hold.
    elsewhere = {"TG001", "TG006", "TG009", "TG213", "TG310", "TG402", "TG403"}
    assert {item.code for item in CODES if item.pattern} == used | elsewhere
