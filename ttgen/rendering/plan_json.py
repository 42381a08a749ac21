"""tt.plan.json: whatever fits in 110 columns stays on one line, so that a changed number is one changed line."""

from __future__ import annotations

import json
from typing import Any, Final

from ttgen.model.plan import Plan

WIDTH: Final = 110


def plan_json(plan: Plan) -> str:
    """The text of a plan's document."""
    return _value(plan.document(), 0, 0) + "\n"


def _value(value: Any, depth: int, used: int) -> str:
    """A value at a depth of nesting, after `used` characters of its line."""
    line = _line(value)
    if len(line) + used + 2 * depth < WIDTH or not isinstance(value, (dict, list)) or not value:
        return line
    indent = "  " * (depth + 1)
    if isinstance(value, dict):
        rows = []
        for key, item in value.items():
            head = f"{json.dumps(key)}: "
            rows.append(f"{indent}{head}{_value(item, depth + 1, len(head))}")
        return "{\n" + ",\n".join(rows) + "\n" + "  " * depth + "}"
    rows = [f"{indent}{_value(item, depth + 1, 0)}" for item in value]
    return "[\n" + ",\n".join(rows) + "\n" + "  " * depth + "]"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
