"""What data-movement kernels are for, in a sentence each: the comment at the head of their files."""

from __future__ import annotations

from collections.abc import Sequence

from ttgen.patterns.access import Access, residents, streams
from ttgen.patterns.context import Context


def reading(inputs: Sequence[Access], streamed: str) -> str:
    """What a reader does.

    Args:
        inputs: all that it reads or hands over.
        streamed: a sentence on what it reads.
    """
    held = _listed(residents(inputs))
    sentences = [f"Hands the {held} on this core to compute."] if held else []
    return " ".join([*sentences, *([streamed] if streams(inputs) else [])])


def writing(context: Context, outputs: Sequence[Access]) -> str:
    """What a writer does."""
    made = _listed(residents(outputs))
    tiles = "tiles" if context.blocked else "tile"
    sentences = [f"Writes the {tiles} of each unit of this core."] if streams(outputs) else []
    sentences += [f"Takes the {made} on this core from compute: packed in place, nothing is written."] if made else []
    return " ".join(sentences)


def _listed(accesses: Sequence[Access]) -> str:
    names = list(dict.fromkeys(access.tensor for access in accesses))
    if not names:
        return ""
    listed = " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])
    return f"shards of {listed}" if names[1:] else f"shard of {listed}"
