"""The rendered function for Python, on a ttnn that runs programs in the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ttgen
from docs.run import with_output
from tests.nights import only
from tests.run.conftest import FAKE
from tests.sizes import SPECS, smaller
from ttgen.cli.main import main
from ttgen.formula.functions import FUNCTIONS
from ttgen.formula.infer import graph_of
from ttgen.formula.reference import evaluate
from ttgen.spec import LoadedSpec
from ttgen.target import TARGETS, load
from ttgen.verify.inputs import Inputs
from ttgen.verify.run import Outcome
from ttgen.verify.verify import verify_elsewhere

Load = Callable[[LoadedSpec], Any]

LANGUAGE = (
    *(f"{name}({', '.join('XZW'[: function.operands])})" for name, function in FUNCTIONS.items() if name != "clip"),
    *(f"X + {name}(Z, axis=-1, keepdims=True)" for name in ("sum", "mean", "max", "min")),
    *(f"0.5 * (X {operator} 1.25)" for operator in (">", ">=", "<", "<=", "==")),
    # Float32 has the number 1.1 as another one, which is that of an element below.
    "where(X == 1.1, Z, -X)",
    "where(X > Z, X, 0)",
    "clip(X, low=0.75, high=1)",
    "leaky_relu(X - 1, 0.25)",
    "softplus(X, beta=2, threshold=3)",
    "softmax(X)",
    "log_softmax(X, axis=-2)",
    "rmsnorm(X, Z, eps=0.25)",
    "layernorm(X, Z, W)",
    "softmax(causal(X @ Z.T)) @ W",
    "attention(X, Z, W)",
    "attention(X, Z, W, scale=0.5, causal=True)",
    "-(X + Z) * (X - (Z - W)) / (Z / W)",
    "1e-3 * X + 2.5E2 * Z - .5 * W",
    " + ".join(["X * Z"] * 20 + ["W"]),
)


@pytest.fixture
def module_of(fake: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Renders a spec, and imports the module of its function."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def imported(loaded: LoadedSpec) -> Any:
        for file in ttgen.render(ttgen.plan(loaded)):
            path = tmp_path / "rendered" / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text)
        invalidate_caches()
        return import_module(f"rendered.{loaded.spec.kernel}.{loaded.spec.kernel}")

    yield imported
    for name in [name for name in sys.modules if name.split(".")[0] in ("rendered", "ttnn")]:
        del sys.modules[name]


def function_of(module: Any) -> Any:
    return getattr(module, module.PROGRAMS.plan["kernel"])


def moved(module: Any, name: str, values: Any, device: Any) -> Any:
    """A tensor on a device; what is beyond its ends is large, as other operations may leave it."""
    ttnn = module.ttnn
    dtype = module.PROGRAMS.tensors[name]["dtype"]
    # In block floats, neighbours of larger numbers would be gone.
    padding = 0 if dtype in ("bfloat8_b", "bfloat4_b") else ttnn.CRUEL
    host = ttnn.Tensor(values, dtype, layout=ttnn.TILE_LAYOUT, padding=padding)
    return host.to(device, module.PROGRAMS.memory_config(name))


def call(module: Any, device: Any, inputs: Inputs, **named: Any) -> dict[str, Any]:
    """The outputs of a call."""
    names = [item["name"] for item in module.PROGRAMS.tensors.values() if item["role"] == "input"]
    made = function_of(module)(*(moved(module, name, inputs[name], device) for name in names), **named)
    outputs = made if isinstance(made, tuple) else (made,)
    named_outputs = [item["name"] for item in module.PROGRAMS.tensors.values() if item["role"] == "output"]
    return {name: tensor.logical() for name, tensor in zip(named_outputs, outputs, strict=True)}


NAMES = (
    "mlp",  # two programs, ragged
    "mlp_l1",  # scratch in shards
    "adam",  # several outputs
    "gemm_multicast",  # semaphores, and cores by their places on the NoC
    "gemm_block_sharded",  # shards that are read by others
    "gelu_height",  # circular buffers on shards
    "gemm_skinny",  # weights beside their banks
    "softmax_float32",  # buffers that are unpacked to DST
    "column_mean",
    "gemm_bfp8_gelu",
    "gemm_prime",  # a product that lies in the output's memory
)


@pytest.mark.parametrize(
    "name", only(NAMES, ("mlp_l1", "adam", "gemm_multicast", "gelu_height", "gemm_bfp8_gelu", "gemm_prime"))
)
def test_outputs_are_right(name: str, module_of: Load) -> None:
    """On all that `ttgen run` tries, twice with other tensors: only their addresses change from call to call."""
    loaded = smaller(name)
    module = module_of(loaded)
    device = module.ttnn.open_device(device_id=0)

    def execute(sets: Sequence[Inputs]) -> Iterator[Outcome]:
        for inputs in sets:
            stored = call(module, device, inputs)
            (scratch,) = module.PROGRAMS._scratch.values()
            yield Outcome(stored={**stored, **{name: tensor.logical() for name, tensor in scratch.items()}})

    verdict = verify_elsewhere(loaded, ttgen.plan(loaded), execute, seed=0)
    assert not verdict.findings
    assert verdict.judged
    assert verdict.runs == 2


def draw(loaded: LoadedSpec) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    return {name: generator.uniform(0.5, 2, loaded.shapes[name]).astype(np.float32) for name in graph_of(loaded).inputs}


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml")))
def test_golden_functions_are_the_reference(name: str, module_of: Load) -> None:
    check_golden(smaller(name), module_of)


def check_golden(loaded: LoadedSpec, module_of: Load) -> None:
    module = module_of(loaded)
    inputs = draw(loaded)
    if "X" in inputs:
        inputs["X"].flat[5] = 1.1
    right = evaluate(graph_of(loaded), inputs)
    plan = module.PROGRAMS.plan
    given = [inputs[name] for name in plan["io_order"] if name in inputs]
    made = module.ttnn.get_golden_function(function_of(module))(*given)
    for name, values in zip(plan["io_order"][len(given) :], made if isinstance(made, tuple) else (made,), strict=True):
        assert values.dtype == np.float64
        # The reference has the formula's numbers in float32.
        np.testing.assert_allclose(values, right[name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("formula", LANGUAGE)
def test_golden_functions_know_the_language(formula: str, module_of: Load) -> None:
    tensors = "".join(f"  {name}: {{shape: [32, 32], dtype: float32}}\n" for name in "XZW" if name in formula)
    check_golden(
        ttgen.loads(
            f"kernel: k\ntensors:\n{tensors}  Y: {{shape: [32, 32], dtype: float32}}\ncompute: Y = {formula}\n"
        ),
        module_of,
    )


def test_descriptors_and_scratch_are_made_once_a_device(module_of: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(smaller("mlp"))
    launched: list[Any] = []
    monkeypatch.setattr(module.ttnn, "generic_op", lambda tensors, program: launched.append((tensors[0], program)))
    inputs = draw(smaller("mlp"))
    first, other = module.ttnn.open_device(0), module.ttnn.open_device(0)
    for device in (first, first, other):
        call(module, device, inputs)
    (one, two), (again, twice), (elsewhere, _) = ((launched[n], launched[n + 1]) for n in (0, 2, 4))
    assert one[1] is again[1]
    assert two[1] is twice[1]
    assert one[1] is not elsewhere[1]
    assert one[0] is two[0] is again[0]
    assert elsewhere[0].device() is other


def test_where_outputs_go(module_of: Load) -> None:
    loaded = smaller("adam")
    module = module_of(loaded)
    device = module.ttnn.open_device(0)
    names = ("next_m", "next_v", "next_weight")
    places = tuple(module.PROGRAMS.allocate(name, device) for name in names)
    stored = call(module, device, draw(loaded), out=places)
    right = evaluate(graph_of(loaded), draw(loaded))
    for name, place in zip(names, places, strict=True):
        assert np.array_equal(place.logical(), stored[name])
        assert np.allclose(stored[name], right[name], rtol=1e-3, atol=1e-3)


def test_tensors_of_another_operation(module_of: Load) -> None:
    """What ttnn's own operations leave beyond the ends of their outputs isn't what kernels multiply with."""
    loaded = smaller("mlp")
    module = module_of(loaded)
    ttnn, device = module.ttnn, module.ttnn.open_device(0)
    given, *weights = (moved(module, name, draw(loaded)[name], device) for name in ("X", "W1", "b1", "W2"))
    x = ttnn.relu(given)
    assert x.values.max() > 1e29
    made = ttnn.add(module.mlp(x, *weights), x)
    arrays = [tensor.logical() for tensor in (x, *weights)]
    right = ttnn.get_golden_function(module.mlp)(*arrays) + arrays[0]
    assert np.allclose(made.logical(), right, rtol=2**-6)


def test_block_floats_of_another_operation(module_of: Load) -> None:
    tensors = "  X: {shape: [40, 72], dtype: bfloat16}\n  W: {shape: [72, 64], dtype: bfloat8_b}\n"
    spec = f"kernel: k\ntensors:\n{tensors}  Y: {{shape: [40, 64], dtype: float32}}\ncompute: Y = X @ W\n"
    module = module_of(ttgen.loads(spec))
    ttnn, device = module.ttnn, module.ttnn.open_device(0)
    x, w = (np.ones(shape, np.float32) for shape in ((40, 72), (72, 64)))
    weights = ttnn.Tensor(w, ttnn.bfloat8_b, layout=ttnn.TILE_LAYOUT, padding=1).to(device)
    made = module.k(ttnn.Tensor(x, ttnn.bfloat16, layout=ttnn.TILE_LAYOUT, padding=1).to(device), weights)
    assert np.all(made.logical() == 72)


def test_comparison_mode(module_of: Load, fake: Callable[..., None]) -> None:
    loaded = smaller("add")
    module = module_of(loaded)
    ttnn, device = module.ttnn, module.ttnn.open_device(0)
    generator = np.random.default_rng(0)
    inputs = {name: generator.standard_normal(values.shape).astype(np.float32) for name, values in draw(loaded).items()}
    ttnn.CONFIG.enable_comparison_mode = True
    call(module, device, inputs, out=module.PROGRAMS.allocate("C", device))
    ((name, pcc),) = ttnn.COMPARED
    assert name == "ttnn.generated.add"
    assert pcc > 0.9999
    ttnn.generic_op = lambda tensors, _program: setattr(tensors[-1], "values", tensors[0].values)
    with pytest.raises(RuntimeError, match=r"ttnn\.generated\.add: Comparing"):
        call(module, device, inputs)


SPEC = """\
kernel: scaled
tensors:
  X: {shape: [40, 64], dtype: bfloat16}
  W: {shape: [64, 64], dtype: bfloat8_b, layout: l1_interleaved}
  Y: {shape: [40, 64], dtype: bfloat16}
compute: Y = X @ W
"""


def refusals(ttnn: Any, device: Any, memory: Any) -> Iterator[tuple[dict[str, Any], type[Exception], str]]:
    """Arguments that aren't right, beside those that are."""

    def tensor(shape: tuple[int, ...], dtype: str = "bfloat16", **named: Any) -> Any:
        return ttnn.Tensor(np.zeros(shape), dtype, **{"layout": ttnn.TILE_LAYOUT, **named})

    yield {"X": np.zeros((40, 64))}, TypeError, "scaled: X is of type ndarray, and not a tensor of ttnn"
    yield {"X": tensor((40, 64))}, ValueError, "scaled: X is on the host: ttnn.to_device takes it to a device"
    yield {"X": tensor((1, 40, 64)).to(device)}, ValueError, r"X is \[1, 40, 64\], and the spec has \[40, 64\]"
    yield {"X": tensor((40, 64), "float32").to(device)}, ValueError, "X is float32, and the spec has bfloat16"
    rows = tensor((40, 64), layout=ttnn.ROW_MAJOR_LAYOUT).to(device)
    yield {"X": rows}, ValueError, "X has row_major, and the kernels read ttnn.TILE_LAYOUT"
    yield {"W": tensor((64, 64), "bfloat8_b").to(device)}, ValueError, r"W lies in .*DRAM.*, and the spec has .*L1"
    elsewhere = tensor((64, 64), "bfloat8_b").to(ttnn.open_device(0), memory)
    yield {"W": elsewhere}, ValueError, "W is on another device than the rest"
    x = tensor((40, 64)).to(device)
    yield {"X": x, "out": x}, ValueError, "Y can't be written where X is"
    yield {"out": (x, x)}, ValueError, r"out has 2 tensors for \['Y'\]"
    yield {"out": tensor((64, 64)).to(device)}, ValueError, "Y is .*, and the spec has"


def test_what_is_refused(module_of: Load) -> None:
    module = module_of(ttgen.loads(SPEC))
    ttnn, device = module.ttnn, module.ttnn.open_device(0)
    right = {name: moved(module, name, np.ones(shape), device) for name, shape in (("X", (40, 64)), ("W", (64, 64)))}
    for wrong, kind, message in refusals(ttnn, device, module.PROGRAMS.memory_config("W")):
        with pytest.raises(kind, match=message):
            module.scaled(**{**right, **wrong})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"arch": "BLACKHOLE"}, "scaled was planned for wormhole_b0, and the device is blackhole"),
        ({"grid": [1, 1]}, "scaled needs 8 x 8 cores and 1 banks of DRAM, and the device has 1 x 1 cores"),
    ],
)
def test_devices_that_are_refused(
    settings: dict[str, Any],
    message: str,
    fake: Callable[..., None],
    module_of: Load,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake(**settings)
    module = module_of(ttgen.loads(SPEC))
    device = module.ttnn.open_device(0)
    given = {name: moved(module, name, np.ones(shape), device) for name, shape in (("X", (40, 64)), ("W", (64, 64)))}

    def allocate(*_spec: object) -> None:
        raise AssertionError("nothing is allocated on it")

    monkeypatch.setattr(module.ttnn, "allocate_tensor_on_device", allocate)
    with pytest.raises(ValueError, match=message):
        module.scaled(**given)


def test_tensors_that_are_called_what_the_function_calls_other_things(module_of: Load) -> None:
    tensors = "".join(
        f"  {name}: {{shape: [32, 32], dtype: bfloat16}}\n" for name in ("np", "inputs", "out", "ttnn", "numpy_parts")
    )
    spec = f"kernel: k\ntensors:\n{tensors}compute: numpy_parts = gelu(np) + inputs * exp(out) - ttnn\n"
    check_golden(ttgen.loads(spec), module_of)


SCRIPT = """\
import json, sys
sys.modules["ttgen"] = None  # importing it fails
sys.path[:0] = sys.argv[1:3]
import numpy as np
import ttnn
from rendered.mlp.mlp import PROGRAMS, mlp

device = ttnn.open_device(device_id=0)
def tensor(*shape):
    return ttnn.Tensor(np.ones(shape, np.float32), ttnn.bfloat16, layout=ttnn.TILE_LAYOUT).to(device)
Y = mlp(tensor(200, 136), tensor(136, 328), tensor(328), tensor(328, 136))
assert tuple(Y.shape) == (200, 136)
assert not [name for name in sys.modules if name.startswith(("ttgen.", "yaml", "jinja2", "cattrs"))]
print(mlp.__doc__)
"""


def test_a_script_where_there_is_no_ttgen(tmp_path: Path) -> None:
    assert main(["render", "specs/mlp.yaml", "-q", "-o", str(tmp_path / "rendered")]) == 0
    recorded = tmp_path / "programs"
    done = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPT, str(FAKE), str(tmp_path)],
        cwd=tmp_path, env={"FAKE_TTNN": json.dumps({"record": str(recorded)})}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "H = gelu(X @ W1 + b1)" in done.stdout
    assert [line.split()[0] for line in recorded.read_text().splitlines()].count('"kernel"') == 6


def test_the_page(fake: Callable[..., None], module_of: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module_of(ttgen.load("specs/mlp.yaml"))
    text = Path("docs/python.md").read_text(encoding="utf-8")
    assert with_output(text, "docs/python.md") == text


@pytest.mark.parametrize("said", ["", "python: true\n", "python: false\n"])
def test_a_spec_may_want_none(said: str) -> None:
    plan = ttgen.plan(ttgen.loads(SPEC + said))
    files = [file.path for file in ttgen.render(plan)]
    assert ("scaled.py" in plan.files) == ("scaled/scaled.py" in files) == ("false" not in said)


def test_formatters_leave_functions_as_they_are(tmp_path: Path) -> None:
    """With the columns that they take for granted, and with 120, as tt-metal has."""
    functions = [str(path) for path in Path("snapshots").glob("*/*.py") if path.parent.name != "host"]
    assert len(functions) > 70
    options = ("format", "-q", "--check", "--isolated")
    for columns in ("88", "120"):
        subprocess.run([sys.executable, "-m", "ruff", *options, "--line-length", columns, *functions], check=True)


def test_budgets() -> None:
    """A line an input or output is one in each of three lists, and a formula one in each of two."""
    for path in Path("snapshots").glob("*/*.py"):
        lines = path.read_text().splitlines()
        assert len(lines) <= {"ttnn_parts.py": 420, "numpy_parts.py": 140}.get(path.name, 70), path
        # But for formulas, which are as long as they are.
        assert all(len(line) <= 120 or line.startswith("        Y = ") for line in lines), path


def test_circular_buffers_of_architectures(module_of: Load) -> None:
    parts = module_of(ttgen.loads(SPEC)).ttnn_parts
    assert {load(name).arch: load(name).circular_buffers for name in TARGETS} == parts.CIRCULAR_BUFFERS
