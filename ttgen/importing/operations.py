"""The value of each operation of a kernel's expressions, in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

_ERF: Final = np.frompyfunc(math.erf, 1, 1)

OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": np.abs,
    "add": np.add,
    "and": np.logical_and,
    "div": np.true_divide,
    "eq": np.equal,
    "erf": lambda x: np.asarray(_ERF(x), dtype=np.float64),
    "exp": np.exp,
    "exp2": np.exp2,
    "floordiv": np.floor_divide,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "log": np.log,
    "log2": np.log2,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mod": np.mod,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.logical_not,
    "or": np.logical_or,
    "pow": lambda x, y: np.power(np.asarray(x, dtype=np.float64), y),
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-np.asarray(x, dtype=np.float64))),
    "sqrt": np.sqrt,
    "sub": np.subtract,
    "tanh": np.tanh,
    "where": np.where,
    "whole": lambda x: np.trunc(x).astype(np.int64),
}
"""The value of each operation."""
FOLDS: Final[Mapping[str, Callable[..., Any]]] = {"sum": np.sum, "max": np.max, "min": np.min}
JOINS: Final[Mapping[str, Callable[..., Any]]] = {"sum": np.add, "max": np.maximum, "min": np.minimum}
