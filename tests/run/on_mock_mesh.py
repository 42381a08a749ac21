"""Calls rendered functions on the real library's mock mesh: `python -m tests.run.on_mock_mesh FOLDER ROWS COLS KERNEL…`.

The folder is where `rendered/` is. Nothing is computed there; what is taken are programs and collectives, with all arguments.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def called(name: str, mesh: Any) -> str:
    """What isn't right of two calls; nothing where all is."""
    module = import_module(f"rendered.{name}.{name}")
    programs = module.PROGRAMS
    entries = []
    for _call in range(2):
        given = []
        for tensor in programs.tensors.values():
            if tensor["role"] == "input":
                given.append(programs.allocate(tensor["name"], mesh))
                given[-1].update_tensor_topology(programs._topology(tensor["name"]))
        made = getattr(module, name)(*given)
        entries.append(mesh.num_program_cache_entries())
        (output,) = programs._named("output")
        if programs._found(made) != programs._wanted(output):
            return f"{output} lies as {programs._found(made)}"
        if list(made.shape) != programs.tensors[output]["shape"]:
            return f"{output} is {made.shape}"
    return "" if entries[0] == entries[1] else "the second call makes programs anew"


def main(folder: str, rows: str, cols: str, *names: str) -> None:
    """Prints what isn't right, and then how many kernels were called."""
    sys.path.insert(0, folder)
    ttnn = import_module("ttnn")
    ttnn.set_fabric_config(ttnn.FabricConfig.FABRIC_1D)
    mesh = ttnn.open_mesh_device(ttnn.MeshShape(int(rows), int(cols)))
    for name in names:
        if wrong := called(name, mesh):
            print(f"WRONG {name}: {wrong}")
    print(f"CALLED {len(names)}")
    ttnn.close_mesh_device(mesh)


if __name__ == "__main__":
    main(*sys.argv[1:])
