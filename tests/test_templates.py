"""Templates decide nothing: the rules of what they may contain, read off their syntax trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import nodes

import ttgen
from ttgen.apis import newest
from ttgen.model.body import walk
from ttgen.operations import OPERATIONS
from ttgen.rendering.environment import FILTERS, TemplateEnvironment, environment

TEMPLATES = sorted(Path("templates").rglob("*.jinja"))

# Loops, look-ups, `if` on decided fields, calls of macros, filters, and `~` to put names together.
FORBIDDEN = (
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Assign, nodes.AssignBlock,
    nodes.CallBlock, nodes.Include, nodes.Extends, nodes.ExprStmt,
)  # fmt: skip
BUILT_IN = {"indent", "join", "length", "map", "selectattr"}


def parsed(path: Path) -> nodes.Template:
    return environment().parse(path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_no_arithmetic_no_set_no_callbacks(path: Path) -> None:
    for node in parsed(path).find_all(FORBIDDEN):
        pytest.fail(f"{path}:{node.lineno}: {type(node).__name__}")


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_only_named_filters(path: Path) -> None:
    used = {node.name for node in parsed(path).find_all(nodes.Filter)}
    assert used <= set(FILTERS) | BUILT_IN


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_the_context_is_the_plan_and_the_kernel(path: Path) -> None:
    from jinja2.meta import find_undeclared_variables

    assert find_undeclared_variables(parsed(path)) <= {"plan", "kernel"}


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_calls_are_macros(path: Path) -> None:
    tree = parsed(path)
    imported = {node.target for node in tree.find_all(nodes.Import)}
    macros = {node.name for node in tree.find_all(nodes.Macro)}
    for call in tree.find_all(nodes.Call):
        called = call.node
        if isinstance(called, (nodes.Getattr, nodes.Getitem)) and isinstance(called.node, (nodes.Name, nodes.Getattr)):
            # A release's macros by their file, which `api` has: `api.operations[…]`.
            holder = called.node.node if isinstance(called.node, nodes.Getattr) else called.node
            assert isinstance(holder, nodes.Name)
            known = {"api"} if isinstance(called.node, nodes.Getattr) else imported | {"loop"}
            assert holder.name in known or _is_table(called), f"{path}:{call.lineno}"
        else:
            is_macro = isinstance(called, nodes.Name) and called.name in macros
            assert is_macro or _is_table(called), f"{path}:{call.lineno}"


def _is_table(called: nodes.Node) -> bool:
    """Iteration over a mapping of the plan: `x.items()`."""
    return isinstance(called, nodes.Getattr) and called.attr == "items"


def test_every_filter_is_used() -> None:
    used = {node.name for path in TEMPLATES for node in parsed(path).find_all(nodes.Filter)}
    used |= {  # a filter that `map` applies
        str(node.args[0].value)
        for path in TEMPLATES
        for node in parsed(path).find_all(nodes.Filter)
        if node.name == "map" and node.args and isinstance(node.args[0], nodes.Const)
    }
    assert set(FILTERS) <= used


def test_each_operation_has_its_two_macros_and_no_other() -> None:
    tree = parsed(Path("templates", newest().templates, "kernel/operations.jinja"))
    macros = {node.name for node in tree.find_all(nodes.Macro)}
    own = {name for operation in OPERATIONS for name in (operation, f"{operation}_init")}
    assert own <= macros
    assert macros - own == {"approx", "dst_format", "buffers", "tiles", "slots", "dims"}


def test_each_statement_has_its_macro() -> None:
    statements = {"loop", "if", "routine", "let", "section", "op", "init"}
    seen = {
        (kernel.role, statement.kind)
        for path in Path("specs").glob("*.yaml")
        for program in ttgen.plan(ttgen.load(path)).programs
        for kernel in program.kernels
        for statement in walk(kernel.body)
    }
    shared, compute, dataflow = (
        {
            node.name
            for node in parsed(Path("templates", newest().templates, f"kernel/{file}.jinja")).find_all(nodes.Macro)
        }
        for file in ("tokens", "compute", "dataflow")
    )
    for macros, role in ((compute, "compute"), (dataflow, "data_movement")):
        used = {kind for kernel_role, kind in seen if kernel_role == role} - statements
        extra = (
            {"buffers", "acquire", "commit", "wait_for_math", "release"}
            if role == "compute"
            else {"offset", "place", "corners", "filler"}
        )
        assert not macros & shared
        assert (macros - extra) | shared == used


def test_every_branch_is_taken_by_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `if` of a template meets both answers while all specs are rendered."""
    from ttgen.rendering import artifacts

    missing = {}
    for path in TEMPLATES:
        tree = parsed(path)
        for number, _condition in enumerate(tree.find_all((nodes.If, nodes.CondExpr))):
            missing[str(path.relative_to("templates")), number] = {True, False}
    answers = _record_answers(monkeypatch, missing)
    artifacts.kernel_code.cache_clear()
    for path in sorted(Path("specs").glob("*.yaml")):
        ttgen.render(ttgen.plan(ttgen.load(path)))
    artifacts.kernel_code.cache_clear()
    assert {where: left for where, left in answers.items() if left} == {}


def _record_answers(
    monkeypatch: pytest.MonkeyPatch, missing: dict[tuple[str, int], set[bool]]
) -> dict[tuple[str, int], set[bool]]:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.compiler import CodeGenerator

    original = environment()

    class Recording(TemplateEnvironment):
        def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
            tree = super()._parse(source, name, filename)
            for number, condition in enumerate(tree.find_all((nodes.If, nodes.CondExpr))):
                assert isinstance(condition, (nodes.If, nodes.CondExpr))
                key = nodes.Const((name, number), lineno=condition.lineno)
                condition.test = nodes.Filter(
                    condition.test, "answered", [key], [], None, None, lineno=condition.lineno
                )
            return tree

    def answered(value: object, key: tuple[str, int]) -> object:
        missing[key].discard(bool(value))
        return value

    recording = Recording(
        loader=FileSystemLoader("templates"),
        undefined=StrictUndefined,
        variable_start_string=original.variable_start_string,
        variable_end_string=original.variable_end_string,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    recording.filters.update(FILTERS, answered=answered)
    assert CodeGenerator is recording.code_generator_class
    monkeypatch.setattr("ttgen.rendering.artifacts.environment", lambda: recording)
    return missing
