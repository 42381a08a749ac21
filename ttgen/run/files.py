"""Tensors in files: raw float32 (little-endian, row by row), `.npy`, and `.safetensors`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ttgen.errors import OutputError, ToolchainError, listing
from ttgen.model.plan import Tensor

_SAFETENSORS: Final = ".safetensors"


def read_tensor(path: Path, tensor: Tensor) -> NDArray[np.float32]:
    """The values of a tensor from a file, in its shape.

    Raises:
        OutputError: the file can't be read, or has something else.
        ToolchainError: a package that reads it isn't there.
    """
    try:
        match path.suffix:
            case ".npy":
                values = np.load(path, allow_pickle=False)
            case ".safetensors":
                values = _named(path, tensor.name, _safetensors().load_file(path))
            case _:
                return _raw(path, tensor)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, _safe_error()) as error:
        raise OutputError(f"{path}: not a {path.suffix} file that can be read: {error}") from None
    if values.shape != tensor.shape:
        raise OutputError(f"{path}: is {_sizes(values.shape)}, and {tensor.name} is {_sizes(tensor.shape)}")
    if values.dtype.kind not in "fiub":
        raise OutputError(f"{path}: has {values.dtype}, which are no numbers that {tensor.name} can have")
    return np.asarray(values, dtype=np.float32)


def check_output(path: Path) -> None:
    """Refuses a file that couldn't be written, before anything runs.

    Raises:
        OutputError: there is no such folder, or a folder has the file's name.
        ToolchainError: a package that writes it isn't there.
    """
    if path.suffix == _SAFETENSORS:
        _safetensors()
    if path.is_dir():
        raise OutputError(f"{path}: is a folder")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: no such folder")


def write_tensor(path: Path, name: str, values: NDArray[np.float32]) -> None:
    """Writes a tensor as its file's name says.

    Raises:
        OutputError: the file can't be written.
    """
    try:
        match path.suffix:
            case ".npy":
                np.save(path, values)
            case ".safetensors":
                _safetensors().save_file({name: np.ascontiguousarray(values)}, path)
            case _:
                path.write_bytes(values.astype("<f4").tobytes())
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None


def _raw(path: Path, tensor: Tensor) -> NDArray[np.float32]:
    raw = path.read_bytes()
    wanted = int(np.prod(tensor.shape)) * 4
    if len(raw) != wanted:
        raise OutputError(f"{path}: has {len(raw)} bytes, not {wanted}: {_sizes(tensor.shape)} float32")
    return np.frombuffer(raw, dtype="<f4").astype(np.float32).reshape(tensor.shape)


def _named(path: Path, name: str, found: dict[str, Any]) -> Any:
    """The tensor of that name, or the only one that there is."""
    if name not in found and len(found) != 1:
        raise OutputError(f"{path}: has no tensor '{name}': there is {listing(sorted(found)) if found else 'none'}")
    return found[name] if name in found else next(iter(found.values()))


def _safetensors() -> Any:
    if find_spec("safetensors") is None:
        raise ToolchainError("a .safetensors file needs the Python package safetensors: pip install safetensors")
    return import_module("safetensors.numpy")


def _safe_error() -> type[Exception]:
    """What the package raises where a file is none of its own."""
    if find_spec("safetensors") is None:
        return ValueError
    found: type[Exception] = import_module("safetensors").SafetensorError
    return found


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
