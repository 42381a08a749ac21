"""The habits of the repository that nothing else enforces."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from ttgen.analysis.interpreter import FUNCTIONS as INTERPRETED
from ttgen.apis import APIS
from ttgen.dtypes import DTYPES, DTypeName
from ttgen.formula.functions import ARITHMETIC, COMPARISONS, FUNCTIONS
from ttgen.formula.reference import ELEMENTWISE
from ttgen.operations import OPERATIONS
from ttgen.patterns import PATTERNS
from ttgen.planner.policies import POLICIES
from ttgen.spec import PolicyName
from ttgen.target import TARGETS, load

MODULES = sorted(Path("ttgen").rglob("*.py"))

# What a part may import, beside itself and what is below: model <- operations <- patterns <- planner <- rendering <- cli.
LAYERS = {
    "annotations": set(),
    "apis": {"dtypes"},
    "dtypes": set(),
    "errors": set(),
    "exhaustive": set(),
    "names": set(),
    "records": set(),
    "resources": set(),
    "version": set(),
    "structuring": set(),
    "source": {"errors", "spec_file"},
    "spec_file": {"errors"},
    "diagnostics": {"errors"},
    "target": {"resources", "structuring"},
    "spec": {"annotations", "dtypes", "errors", "names", "source", "structuring", "target"},
    "building": {"errors", "formula", "loading", "source", "spec"},
    "loading": {"schema", "source", "spec"},
    "schema": {"annotations", "errors", "model", "resources", "source", "spec"},
    "formula": {"dtypes", "errors", "exhaustive", "spec"},
    "model": {"annotations", "dtypes", "exhaustive", "spec", "target"},
    "mesh": {"dtypes", "errors", "exhaustive", "formula", "spec"},
    "operations": set(),
    "patterns": {"dtypes", "errors", "exhaustive", "formula", "model", "operations", "spec"},
    "analysis": {"dtypes", "exhaustive", "formula", "model", "operations"},
    "cost": {"analysis", "dtypes", "exhaustive", "formula", "model", "operations", "spec", "target"},
    "timeline": {"analysis", "cost", "exhaustive", "model", "target"},
    "planner": {
        "cost",
        "analysis",
        "apis",
        "dtypes",
        "errors",
        "exhaustive",
        "formula",
        "mesh",
        "model",
        "names",
        "operations",
        "patterns",
        "source",
        "spec",
        "target",
    },
    "tuning": {
        "cost",
        "dtypes",
        "errors",
        "formula",
        "loading",
        "mesh",
        "model",
        "patterns",
        "planner",
        "source",
        "spec",
        "target",
        "version",
    },
    "rendering": {"apis", "dtypes", "formula", "model", "operations", "resources", "target", "version"},
    "output": {"errors", "model"},
    "results": {"model", "resources"},
    "origins": {"errors", "names", "output"},
    "verify": {
        "analysis.interpreter",
        "apis",
        "dtypes",
        "errors",
        "exhaustive",
        "formula",
        "mesh",
        "model",
        "operations",
        "rendering",
        "resources",
        "spec",
        "target",
    },
    "trees": {"errors"},
    "report": {"cost", "model", "planner", "review", "target"},
    "codes": set(),
    "importing": {
        "canonical",
        "dtypes",
        "errors",
        "exhaustive",
        "formula",
        "loading",
        "names",
        "planner",
    },
    "canonical": {"errors", "schema", "source", "spec"},
    "formats": {"codes", "errors", "version"},
    "review": {
        "cost",
        "dtypes",
        "errors",
        "exhaustive",
        "formula",
        "loading",
        "model",
        "operations",
        "planner",
        "rendering",
        "resources",
        "source",
        "spec",
        "target",
        "verify",
    },
    "run": {"dtypes", "errors", "model", "rendering", "spec", "target", "verify"},
    "cli": {"*"},
    "__init__": {"*"},
    "__main__": {"cli"},
}


def part_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else "__init__"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_go_one_way(path: Path) -> None:
    own = path.relative_to("ttgen").parts[0].removesuffix(".py")
    allowed = LAYERS[own]
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ttgen"):
            names = [node.module] if node.module != "ttgen" else [f"ttgen.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("ttgen.")]
        for name in names:
            imported = part_of(name)
            fits = imported in (own, "records") or imported in allowed or name.removeprefix("ttgen.") in allowed
            assert fits or "*" in allowed, f"{path}:{node.lineno}: {own} imports {name}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_modules_are_short_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


def test_only_the_command_line_prints() -> None:
    for path in MODULES:
        if path.parts[1] != "cli":
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            assert not any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls), path


def test_tables_agree() -> None:
    assert set(DTYPES) == set(get_args(DTypeName))
    assert set(POLICIES) <= set(get_args(PolicyName))
    assert {load(name).name for name in TARGETS} == set(TARGETS)
    assert {path.stem for path in Path("ttgen/targets").glob("*.yaml")} == set(TARGETS)
    assert {path.stem for path in Path("ttgen/planner/policies").glob("*.py")} == {"__init__", "split", *POLICIES}
    assert set(ELEMENTWISE) == ARITHMETIC | set(COMPARISONS) | set(FUNCTIONS)
    assert {operation.function for operation in OPERATIONS.values()} == set(INTERPRETED)
    assert set(PATTERNS) <= {path.stem for path in Path("ttgen/patterns").glob("*.py")}
    for api in APIS.values():
        folder = Path("templates", api.templates)
        for part, files in (
            ("program", (*api.program_files, *api.exchange_files, api.python_file)),
            ("folder", api.folder_files),
        ):
            templates = {str(path.relative_to(folder / part)) for path in (folder / part).rglob("*.*.jinja")}
            assert templates == {f"{file}.jinja" for file in files}
        assert api.headers.keys() == OPERATIONS.keys()
        assert api.defines.keys() <= OPERATIONS.keys()
        assert api.data_formats.keys() == DTYPES.keys()


def test_every_operation_is_used_by_a_formula() -> None:
    """No row of the table that only a test reaches."""
    import ttgen
    from ttgen.model.body import Op, walk

    def kinds(formula: str, dtype: str, accumulate: str, block: str = "") -> set[str]:
        text = (
            f"kernel: k\ntensors:\n  X: {{shape: [64, 64], dtype: {dtype}}}\n  Z: {{shape: [64, 64], dtype: {dtype}}}\n"
            f"  r: {{shape: [64], dtype: {dtype}}}\n  c: {{shape: [64, 1], dtype: {dtype}}}\n"
            f"  s: {{shape: [1, 1], dtype: {dtype}}}\n  Y: {{shape: [64, 64], dtype: {dtype}}}\ncompute: Y = {formula}\n"
            f"precision: {{accumulate: {accumulate}}}\n{block}"
        )
        names = set(re.findall(r"\b[XZrcs]\b", formula))
        lines = [line for line in text.splitlines() if not re.match(r"  [XZrcs]:", line) or line[2] in names]
        plan = ttgen.plan(ttgen.loads("\n".join(lines)))
        return {item.name for item in walk(plan.program.kernels[1].body) if isinstance(item, Op)}

    formulas = [
        *(
            f"{name}({', '.join(['X', 'Z', 'exp(X)'][: function.operands])})"
            for name, function in FUNCTIONS.items()
            if name != "clip"
        ),
        "clip(X, -1, 1)",
        *(f"X {operator} {other}" for operator in (">", ">=", "<", "<=", "==") for other in ("0", "2", "Z")),
        "X @ Z", "X @ Z.T", "X + Z", "X - Z", "X * Z", "-X", "exp(X) / Z", "exp(X) + exp(Z)", "exp(X) - Z", "exp(X) * Z",
        *(f"X {operator} {other}" for operator in "+-*" for other in "rcs"),
        *(f"exp(X) {operator} {other}" for operator in "+-*" for other in "rcs"),
        "X + 2", "2 - X", "X * 2", "2 / X", "maximum(X, 2)", "minimum(X, 2)", "where(X, Z, 2)", "exp(exp(X)) + exp(X)",
        "maximum(X, r)", "maximum(X, c)", "maximum(X, s)",
    ]  # fmt: skip
    used: set[str] = set()
    for formula in formulas:
        for dtype, accumulate in (("bfloat16", "float32"), ("bfloat16", "bfloat16")):
            used |= kinds(formula, dtype, accumulate)
    for formula in ("X @ Z", "X @ Z.T"):
        used |= kinds(formula, "bfloat16", "float32", "schedule: {block: {m: 2, n: 1}}\n")
    for axis in (-1, -2):
        for reduction in ("sum(X", "max(X", "min(X", "sum(X * Z", "max(exp(X)", "sum(exp(X)"):
            for dtype in ("bfloat16", "float32"):
                used |= kinds(f"X - {reduction}, axis={axis}, keepdims=True)", dtype, "float32")
    assert used == set(OPERATIONS)


def test_render_imports_nothing_that_it_does_not_need() -> None:
    """NumPy, the interpreter and what explains mistakes are not for good specs: they would double the start-up."""
    code = "import sys; sys.argv = ['ttgen', 'render', 'specs/gemm.yaml', '--check', '-q', '--no-cache']\n"
    code += "from ttgen.cli.main import main\nmain(sys.argv[1:])\nprint(*sorted(sys.modules), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    modules = set(result.stderr.split())
    assert "ttgen.rendering.artifacts" in modules
    heavy = {"numpy", "ttgen.analysis.interpreter", "ttgen.formula.reference", "ttgen.schema.generate", "ttgen.cli.new",
             "jsonschema", "ttgen.schema.explain", "difflib", "importlib.metadata", "ttgen.cli.plan", "ttgen.cost", "asyncio", "unittest"}  # fmt: skip
    assert modules & heavy <= {"difflib"}  # the diff of --check


def test_version_imports_nothing_of_the_generator() -> None:
    code = "import sys\nfrom ttgen.cli.main import main\ntry:\n main(['--version'])\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    modules = {name for name in result.stderr.split() if name.startswith("ttgen")}
    assert modules == {"ttgen", "ttgen.cli", "ttgen.cli.main", "ttgen.version"}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    # Pictures hold any letters.
    return [Path(name) for name in listed.stdout.split("\0") if Path(name).suffix != ".png" and Path(name).is_file()]


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    for path in tracked():
        assert not marks.search(path.read_text(encoding="utf-8", errors="ignore")), path


def test_no_file_holds_a_path_of_a_machine() -> None:
    paths = re.compile(r"/(ro" + r"ot|ho" + r"me|wo" + r"rk)/")
    for path in tracked():
        assert not paths.search(path.read_text(encoding="utf-8", errors="ignore")), path


def test_tools_have_one_version_in_one_place() -> None:
    """Hooks and CI run what the development environment has: no second version that has to agree."""
    version = re.compile(
        r"\b(ruff|mypy|clang[-_]format)(?:-\w+)*[\"']?\s*(?:[=<>~!]=|[<>@:=]|\s)\s*[\"']?v?(\d+(?:\.\d+)*)"
    )
    named = [(str(path), *match) for path in tracked() for match in version.findall(path.read_text(errors="ignore"))]
    assert {path for path, *_ in named} == {"pyproject.toml"}
    pinned = re.findall(r'^    "([\w-]+)==[\d.]+",$', Path("pyproject.toml").read_text(), re.MULTILINE)
    assert sorted(name for _path, name, _version in named) == pinned == ["clang-format", "mypy", "ruff"]
    hooks = yaml.safe_load(Path(".pre-commit-config.yaml").read_text())
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks["repos"][0]["hooks"]} == {"system"}
    actions = re.findall(r"uses: (\S+)@", Path(".github/workflows/ci.yml").read_text())
    assert all(action.startswith("actions/") for action in actions)


def test_classifiers_and_ci_name_the_same_versions_of_python() -> None:
    project = Path("pyproject.toml").read_text()
    versions = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)
    workflow = yaml.safe_load(Path(".github/workflows/ci.yml").read_text())
    assert workflow["jobs"]["versions"]["strategy"]["matrix"]["python"] == versions
    assert f'requires-python = ">={versions[0]}"' in project
