"""Releases of TT-Metalium: a module and a line here, and a folder of templates. Nothing else knows a C++ name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ttgen.apis import metalium_0_81
from ttgen.apis.api import Api

APIS: Final[Mapping[str, Api]] = {"0.81": metalium_0_81.API}
"""In the order of their releases; programs are rendered for the last."""


def newest() -> Api:
    """The release that programs are rendered for."""
    return list(APIS.values())[-1]
