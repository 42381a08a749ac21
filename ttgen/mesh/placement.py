"""Which part of a tensor each device of a mesh has: the axes that are cut over rows and over columns of devices.

Where both cut one axis, its parts go row by row of the mesh: columns of devices cut what rows of devices have cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ttgen.errors import Path, Problem, SpecError
from ttgen.formula.values import Shape
from ttgen.records import dataclass
from ttgen.spec import LoadedSpec, MeshSpec, TensorMesh

Cuts = tuple[int | None, int | None]
"""The dimension, counted from the last, which is 0, that is cut over rows of devices, and over columns of devices."""

WHOLE: Final[Cuts] = (None, None)
SIDES: Final = ("rows", "cols")
"""The dimensions of a mesh; over which devices a collective goes, by its place in `Cuts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A mesh: its devices along each dimension."""

    counts: tuple[int, int]

    def parts(self, cuts: Cuts, dim: int) -> int:
        """Into how many parts a dimension is cut."""
        rows, cols = (count if cut == dim else 1 for count, cut in zip(self.counts, cuts, strict=True))
        return rows * cols

    def local(self, shape: Shape, cuts: Cuts) -> Shape:
        """The shape of a device's part."""
        last = len(shape) - 1
        return tuple(size // self.parts(cuts, last - axis) for axis, size in enumerate(shape))

    def devices(self) -> Iterator[tuple[int, int]]:
        """The row and the column of each device, row by row."""
        rows, cols = self.counts
        for row in range(rows):
            for col in range(cols):
                yield row, col

    def part(self, cuts: Cuts, dim: int, device: tuple[int, int]) -> int:
        """Which of the parts of a dimension a device has."""
        place = 0
        for count, cut, own in zip(self.counts, cuts, device, strict=True):
            if cut == dim:
                place = place * count + own
        return place

    def slices(self, shape: Shape, cuts: Cuts, device: tuple[int, int]) -> tuple[slice, ...]:
        """What a device has of a whole tensor."""
        last, found = len(shape) - 1, []
        for axis, size in enumerate(self.local(shape, cuts)):
            start = self.part(cuts, last - axis, device) * size
            found.append(slice(start, start + size))
        return tuple(found)


def mesh_of(spec: MeshSpec) -> Mesh:
    """The mesh that a spec says."""
    return Mesh(counts=(spec.rows, spec.cols))


def placements(loaded: LoadedSpec, mesh: Mesh) -> Mapping[str, Cuts]:
    """How each declared tensor is cut; over one row or column of devices nothing is.

    Raises:
        SpecError: axes that there aren't, and sizes that the devices don't divide.
    """
    problems: list[Problem] = []
    found: dict[str, Cuts] = {}
    for name, tensor in loaded.spec.tensors.items():
        said = tensor.mesh
        if not isinstance(said, TensorMesh):
            found[name] = WHOLE
            continue
        shape, path = loaded.shapes[name], ("tensors", name, "mesh")
        own = [*_problems(said, shape, path)]
        if not own:
            sides = (said.rows, said.cols) if said.shard is None else (said.shard, said.shard)
            rows, cols = (
                None if axis is None or count == 1 else len(shape) - 1 - axis % len(shape)
                for axis, count in zip(sides, mesh.counts, strict=True)
            )
            found[name] = rows, cols
            own += _undivided(name, shape, found[name], mesh, path)
        problems += own
    if problems:
        raise SpecError(problems)
    return found


def check_alone(loaded: LoadedSpec) -> None:
    """Refuses parts of tensors where there is one device.

    Raises:
        SpecError: with the place of each.
    """
    problems = [
        Problem(message=f"'{name}' is on one device: a part needs 'mesh: {{rows: …, cols: …}}' of the spec",
                path=("tensors", name, "mesh"))
        for name, tensor in loaded.spec.tensors.items()
        if isinstance(tensor.mesh, TensorMesh)
    ]  # fmt: skip
    if problems:
        raise SpecError(problems)


def _problems(said: TensorMesh, shape: Shape, path: Path) -> Iterator[Problem]:
    given = [(key, axis) for key in ("shard", *SIDES) if (axis := getattr(said, key)) is not None]
    if not given:
        yield Problem(message="a part of a tensor is said by 'shard', or by 'rows' and 'cols'", path=path)
    elif said.shard is not None and len(given) > 1:
        yield Problem(message="'shard' goes over all devices: leave 'rows' and 'cols' out, or it", path=path)
    for key, axis in given:
        if not -len(shape) <= axis < len(shape):
            text = (
                f"no axis {axis} to cut: those of ({', '.join(map(str, shape))}) are {-len(shape)} to {len(shape) - 1}"
            )
            yield Problem(message=text, path=(*path, key))


def _undivided(name: str, shape: Shape, cuts: Cuts, mesh: Mesh, path: Path) -> Iterator[Problem]:
    for axis, size in enumerate(shape):
        parts = mesh.parts(cuts, len(shape) - 1 - axis)
        if size % parts:
            below, above = size // parts * parts, -(-size // parts) * parts
            near = f"{below} or {above}" if below else str(above)
            text = f"{size} of '{name}' doesn't divide over {parts} devices: use a size such as {near}"
            yield Problem(message=text, path=path)


def said(cuts: Cuts, rank: int, mesh: Mesh) -> str:
    """A placement as a spec says it, of a tensor with so many dimensions."""
    axes = [None if dim is None else rank - 1 - dim for dim in cuts]
    if axes == [None, None]:
        return "replicate"
    large = [axis for axis, count in zip(axes, mesh.counts, strict=True) if count > 1]
    if None not in large and len(set(large)) == 1:
        return f"{{shard: {large[0]}}}"
    return f"{{{', '.join(f'{side}: {axis}' for side, axis in zip(SIDES, axes, strict=True) if axis is not None)}}}"
