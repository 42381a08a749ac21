"""The page that links a kernel into another program: its project, built by CMake against the emulator, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ttgen.cli.main import main
from ttgen.verify.toolchain import Builder

PAGE = Path("docs/linking.md")

# The emulator in the place of TT-Metalium.
CONFIG = """\
add_library(TT::Metalium INTERFACE IMPORTED)
set_target_properties(TT::Metalium PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "{include}"
  INTERFACE_LINK_LIBRARIES "{library}/libttemu.so")
"""


# Two kernels of one folder: each library has the parts that they share.
TWO = """
add_subdirectory(rendered/mlp)
add_executable(two two.cpp)
target_link_libraries(two PRIVATE gemm_program mlp_program)
"""
TWO_MAIN = """\
#include <cstdio>
#include <memory>

#include <tt-metalium/mesh_device.hpp>

#include "gemm/host/program.hpp"
#include "mlp/host/program.hpp"

int main() {
    const auto device = tt::tt_metal::distributed::MeshDevice::create_unit_mesh(0);
    const gemm_program::Tensors one = gemm_program::allocate_tensors(*device);
    const mlp_program::Tensors other = mlp_program::allocate_tensors(*device);
    const auto first = gemm_program::create_workloads(*device, one).size();
    std::printf("%zu and %zu\\n", first, mlp_program::create_workloads(*device, other).size());
    device->close();
}
"""


def block(language: str) -> str:
    """The page's block in a language: there is one."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
def test_the_page_does_what_it_says(builder: Builder, tmp_path: Path) -> None:
    assert main(["render", "specs/gemm.yaml", "specs/mlp.yaml", "-q", "-o", str(tmp_path / "rendered")]) == 0
    (tmp_path / "CMakeLists.txt").write_text(block("cmake") + TWO)
    (tmp_path / "main.cpp").write_text(block("cpp"))
    (tmp_path / "two.cpp").write_text(TWO_MAIN)
    found = tmp_path / "found"
    found.mkdir()
    text = CONFIG.format(include=builder.include, library=builder.library())
    (found / "TT-MetaliumConfig.cmake").write_text(text)
    build = tmp_path / "build"
    flags = [f"-DTT-Metalium_DIR={found}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"]
    for command in (["cmake", "-S", str(tmp_path), "-B", str(build), *flags], ["cmake", "--build", str(build), "-j2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    # As a part of another project it has no program of its own.
    assert not [path for path in build.rglob("gemm") if path.is_file()]
    environment = {
        **os.environ, "TTEMU_INCLUDE": str(builder.include), "TTEMU_CACHE": str(builder.cache / "units"),
        "TTEMU_CXX": " ".join(builder.compiler.command),
    }  # fmt: skip
    # Kernels are found from any folder.
    done = subprocess.run([build / "mine"], cwd=found, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, block("text"), "")
    done = subprocess.run([build / "two"], cwd=found, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 and 2\n", "")


TTNN_CONFIG = """\
find_package(TT-Metalium REQUIRED)
add_library(TTNN::TTNN INTERFACE IMPORTED)
set_target_properties(TTNN::TTNN PROPERTIES INTERFACE_LINK_LIBRARIES TT::Metalium)
"""


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake")
def test_what_devices_exchange_links_ttnn(builder: Builder, tmp_path: Path) -> None:
    """As CMake builds it: each source alone, and ttnn found."""
    assert main(["render", "specs/mesh_mlp.yaml", "-q", "-o", str(tmp_path / "rendered")]) == 0
    found, build = tmp_path / "found", tmp_path / "build"
    found.mkdir()
    text = CONFIG.format(include=builder.include, library=builder.library())
    (found / "TT-MetaliumConfig.cmake").write_text(f"if(NOT TARGET TT::Metalium)\n{text}endif()\n")
    flags = [f"-DTT-Metalium_DIR={found}", f"-DTT-NN_DIR={found}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"]
    configure = ["cmake", "-S", str(tmp_path / "rendered/mesh_mlp"), "-B", str(build), *flags]
    done = subprocess.run(configure, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "TT-NN" in done.stderr
    (found / "TT-NNConfig.cmake").write_text(TTNN_CONFIG)
    for command in (configure, ["cmake", "--build", str(build), "-j2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    environment = {
        **os.environ, "TTEMU_INCLUDE": str(builder.include), "TTEMU_CACHE": str(builder.cache / "units"),
        "TTEMU_CXX": " ".join(builder.compiler.command),
    }  # fmt: skip
    done = subprocess.run([build / "mesh_mlp"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:17]) == (0, "Y: 6144 values, -")
