"""What a kernel computes, when its statements have been gone through: outputs, and how it goes through tensors."""

from __future__ import annotations

from ttgen.importing.affine import Affine
from ttgen.importing.form import At
from ttgen.importing.nodes import Node
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """What a buffer holds: a value, with a variable for each of its dimensions."""

    places: tuple[str, ...]
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a tensor holds in the end: the index in each dimension, and the value there."""

    tensor: str
    indices: tuple[Affine, ...]
    extents: tuple[int, ...]
    node: Node
    at: At


@dataclass(frozen=True, slots=True)
class Walked:
    """A tensor's dimension, and how many of its elements a block or a trip takes at once."""

    tensor: str
    dimension: int
    extent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """What a kernel computes.

    Attributes:
        outputs: what it writes, in order.
        walked: how it goes through each tensor.
        steps: elements of what products sum over that one step takes.
        accumulators: the dtypes that products add up in.
    """

    outputs: tuple[Written, ...]
    walked: tuple[Walked, ...]
    steps: tuple[int, ...]
    accumulators: tuple[str, ...]
