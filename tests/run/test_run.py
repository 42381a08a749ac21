"""`ttgen run` on a ttnn that runs programs in the emulator, and what it says where it can't."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ttgen
from tests.nights import only
from tests.sizes import smaller
from ttgen.cli.main import main
from ttgen.errors import OutputError
from ttgen.run.files import read_tensor, write_tensor
from ttgen.run.process import Card, card_of, reason
from ttgen.run.run import run
from ttgen.spec import LoadedSpec

TILE = "specs/tile.yaml"


@pytest.fixture
def card(fake: Callable[..., None]) -> Iterator[Card]:
    with card_of(0, 100) as found:
        yield found


NAMES = (
    "mlp_l1",  # two programs
    "gemm_multicast",  # semaphores, and cores by their places on the NoC
    "gemm_skinny",  # weights beside their banks
    "softmax_float32",  # buffers that are unpacked to DST
    "softmax_ragged",
    "row",  # a definition
    "gemm_bfp8_gelu",
)


@pytest.mark.parametrize("name", only(NAMES, ("mlp_l1", "softmax_float32")))
def test_programs_are_built_from_the_plan_alone(name: str, card: Card) -> None:
    check(smaller(name), card)


@pytest.mark.parametrize("orientation", ["row_major", "column_major"])
def test_circular_buffers_on_shards(orientation: str, card: Card) -> None:
    """Only one tensor has shards: with two, both could lie otherwise than the plan says."""
    layout = f"{{l1_sharded: {{split: block, cores: {{rows: 3, cols: 2}}, orientation: {orientation}}}}}"
    tensors = (
        f"  X: {{shape: [192, 192], dtype: bfloat16, layout: {layout}}}\n  Y: {{shape: [192, 192], dtype: bfloat16}}"
    )
    check(ttgen.loads(f"kernel: k\ntensors:\n{tensors}\ncompute: Y = relu(X)\n"), card)


def check(loaded: LoadedSpec, card: Card) -> None:
    ran = run(loaded, ttgen.plan(loaded), card, seed=0, repeat=0, given={})
    assert not ran.verdict.findings
    assert ran.verdict.judged
    assert ran.verdict.runs == 2
    assert ran.microseconds == ()


def test_the_other_architecture(fake: Callable[..., None]) -> None:
    fake(arch="BLACKHOLE", grid=[13, 10], banks=8)
    loaded = ttgen.loads(Path(TILE).read_text() + "target: p150\n")
    with card_of(0, 100) as card:
        assert run(loaded, ttgen.plan(loaded), card, seed=0, repeat=0, given={}).verdict.passed


def test_a_line_a_spec(fake: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "specs/add.yaml", "specs/row.yaml", "--repeat", "3"]) == 0
    captured = capfd.readouterr()
    number = r"[0-9]+\.[0-9]"
    times = rf"{number} us \({number} to {number}, 3 runs\), [0-9]+% of the predicted {number} us"
    for line, name, output in zip(captured.out.splitlines(), ("add", "row"), "Cy", strict=True):
        compared = rf"{output} off by [0-9]+% of what is allowed"
        assert re.fullmatch(rf"specs/{name}.yaml: ok: {name}, .* cores, .*, {compared}, {times}", line)
    assert captured.err == ""


def test_no_times_of_a_simulator(fake: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setenv("TT_METAL_SIMULATOR", "libttsim.so")
    assert main(["run", TILE, "--json"]) == 0
    [found] = json.loads(capfd.readouterr().out)
    assert found["passed"]
    assert found["host_us"] is None
    assert found["predicted_host_us"] > 0


def test_files(fake: Callable[..., None], tmp_path: Path, capfd: Any) -> None:
    """`tile` is an exponential; bfloat16 hasn't most of these inputs, which are rounded to it for both sides."""
    values = np.linspace(-3, 3, 32 * 32, dtype=np.float32).reshape(32, 32)
    np.save(tmp_path / "x.npy", values)
    files = [f"--input=X={tmp_path / 'x.npy'}", f"--output=Y={tmp_path / 'y.npy'}"]
    assert main(["run", TILE, *files, f"--output=Y={tmp_path / 'y.npy'}"]) == 1
    assert "'Y' has a file already" in capfd.readouterr().err
    assert main(["run", TILE, *files, "--json"]) == 0
    [found] = json.loads(capfd.readouterr().out)
    assert found["runs"] == 1
    assert found["host_us"]["runs"] == 1
    stored = np.load(tmp_path / "y.npy")
    assert stored.shape == (32, 32)
    assert np.all(abs(stored / np.exp(values) - 1) < 2**-4)


def test_safetensors(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy", reason="safetensors isn't installed")
    tensor = ttgen.plan(ttgen.load(Path(TILE))).tensor("X")
    values, other = np.random.default_rng(0).standard_normal((2, 32, 32)).astype(np.float32)
    path = tmp_path / "x.safetensors"
    write_tensor(path, "W", values)
    # The only one there is has whatever name.
    assert np.array_equal(read_tensor(path, tensor), values)
    numpy.save_file({"W": other, "X": values}, path)
    assert np.array_equal(read_tensor(path, tensor), values)
    numpy.save_file({"W": other, "V": values}, path)
    with pytest.raises(OutputError, match="has no tensor 'X': there is V or W"):
        read_tensor(path, tensor)
    path.write_bytes(b"nonsense")
    with pytest.raises(OutputError, match=r"not a \.safetensors file"):
        read_tensor(path, tensor)


@pytest.mark.parametrize(
    ("settings", "status", "message"),
    [
        ({"absent": "TT_FATAL @ cluster.cpp:129: chips > 0\ninfo:\nNo chips detected\nbacktrace:\n --- x"}, 3,
         "error: no device: No chips detected\n"),
        ({"arch": "BLACKHOLE"}, 3, "error: tile was planned for wormhole_b0, and the device is blackhole\n"),
        ({"grid": [0, 8]}, 3,
         "error: tile needs 1 x 1 cores and 1 banks of DRAM, and the device has 8 x 0 cores and 12 banks of DRAM\n"),
    ],
)  # fmt: skip
def test_no_device_that_will_do(
    fake: Callable[..., None], capfd: Any, settings: dict[str, Any], status: int, message: str
) -> None:
    fake(**settings)
    assert main(["run", TILE]) == status
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", message)


def test_a_device_number_that_there_is_not(fake: Callable[..., None], capfd: Any) -> None:
    assert main(["run", TILE, "--device", "2"]) == 3
    assert capfd.readouterr().err == "error: no device: there is no device 2: ttnn finds 1, numbered from 0\n"


def test_no_ttnn(capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttgen.run.process.find_spec", lambda _name: None)
    assert main(["run", TILE]) == 3
    assert capfd.readouterr().err == (
        "error: run needs the Python package ttnn (Python 3.10 or 3.12): pip install 'ttgen[ttnn]'\n"
    )


@pytest.mark.parametrize(
    ("settings", "name", "message"),
    [
        ({"wrong": 1.0}, "wrong-numbers", "should be"),
        ({"refuse": "TT_FATAL @ x\ninfo:\nCores overlap\nbacktrace:\n"}, "host-error", "Cores overlap"),
        ({"crash": True}, "crash", "program Y: the process that has the device ended, with exit status 11"),
        ({"hang": True}, "timeout", "program Y: no end within 2 seconds"),
    ],
)
def test_what_goes_wrong(
    fake: Callable[..., None], capfd: Any, settings: dict[str, Any], name: str, message: str
) -> None:
    fake(**settings)
    assert main(["run", TILE, "--timeout", "2"]) == 1
    captured = capfd.readouterr()
    assert captured.out.startswith("specs/tile.yaml: WRONG: tile, ")
    assert f"error: {name}: " in captured.out
    assert message in captured.out
    if name == "timeout":
        assert "    what was last said\n" in captured.out
        assert "TT_METAL_WATCHER=1 has tt-metal's watcher say what cores wait for" in captured.out


def test_another_process_for_what_follows_a_crash(fake: Callable[..., None], capfd: Any) -> None:
    fake(crash=True)
    assert main(["run", TILE, "specs/add.yaml"]) == 1
    assert re.findall("(.*): error: crash: program (.):", capfd.readouterr().out) == [("tile", "Y"), ("add", "C")]


def test_mistakes_of_specs_and_files_need_no_device(fake: Callable[..., None], capfd: Any, tmp_path: Path) -> None:
    fake(absent="it was looked for")
    raw, npy = tmp_path / "x.bin", tmp_path / "x.npy"
    raw.write_bytes(bytes(100))
    np.save(npy, np.zeros((32, 31)))
    assert main(["run", "tests/bad_specs/many_mistakes.yaml"]) == 1
    assert "unknown dtype 'bf16'" in capfd.readouterr().err
    for arguments, message in (
        (["specs/row.yaml", "--input", "X=x.bin"], "--input and --output are files of one spec: name one"),
        (["--input", "x=x.bin"], "--input x=x.bin: there is no input 'x'; did you mean 'X'? (tile has X)"),
        (["--output", "X=x.bin"], "--output X=x.bin: there is no output 'X' (tile has Y)"),
        (["--input", f"X={raw}"], f"{raw}: has 100 bytes, not 4096: 32x32 float32"),
        (["--input", f"X={npy}"], f"{npy}: is 32x31, and X is 32x32"),
        (["--input", f"X={tmp_path}/none.npy"], f"{tmp_path}/none.npy: No such file or directory"),
        (["--output", f"Y={tmp_path}/none/y.bin"], f"{tmp_path}/none/y.bin: no such folder"),
    ):
        assert main(["run", TILE, *arguments]) == 1
        assert capfd.readouterr() == ("", f"error: {message}\n")
    with pytest.raises(SystemExit, match="64"):
        main(["run", TILE, "--input", "X"])


def test_the_reason_of_an_error_of_the_library() -> None:
    assert reason("TT_THROW: it won't do\nbacktrace:\n --- f()") == "TT_THROW: it won't do"
    inner = "TT_THROW @ build.cpp:149\ninfo:\ntrisc1 build failed\n\nbacktrace:\n --- f()\nbacktrace:\n --- g()"
    assert reason(f"TT_THROW @ program.cpp:419\ninfo:\nFailed for reader {inner}") == "trisc1 build failed"
    assert reason("") == "no reason was given"
