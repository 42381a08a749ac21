"""What a program takes, predicted from its tile program: cycles by part, and bounds that no schedule beats."""

from __future__ import annotations

from ttgen.cost.bounds import Bound
from ttgen.cost.predict import Prediction, predict

__all__ = ["Bound", "Prediction", "predict"]
