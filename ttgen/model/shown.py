"""How notebooks show a plan."""

from __future__ import annotations

from importlib import import_module


class Shown:
    """Has a picture of itself where there is something to show it: Jupyter asks for it by this name."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        # What draws is above the model, which imports nothing of it: only notebooks want it.
        drawn: str = import_module("ttgen.report.notebook").plan_html(self)
        return drawn
