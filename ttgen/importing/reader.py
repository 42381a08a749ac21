"""From a file to a kernel: finds its function, gives parameters their values, and reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from ttgen.errors import Problem, SpecError, listing, suggest
from ttgen.importing.body import Body, Returned
from ttgen.importing.evaluate import BUILTINS
from ttgen.importing.form import Kernel
from ttgen.importing.text import KernelFile, refuse_at
from ttgen.importing.values import Dim, Intrinsic, Module, Scope, Unknown
from ttgen.records import dataclass

_INNER_NAMES: Final = frozenset({"main", "kernel", "func", "kernel_func"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function that makes a kernel, with those around it, outermost first."""

    functions: tuple[ast.FunctionDef, ...]

    @property
    def path(self) -> str:
        """Its name and those of the functions around it."""
        return ".".join(function.name for function in self.functions)

    @property
    def kernel(self) -> str:
        """What a spec calls it: the factory's name where its own says nothing."""
        names = [function.name for function in self.functions]
        return next((name for name in reversed(names) if name not in _INNER_NAMES), names[0])


def candidates(file: KernelFile) -> tuple[Candidate, ...]:
    """All functions of a file that make a kernel, in its order."""
    found: list[Candidate] = []
    pending: list[tuple[ast.AST, tuple[ast.FunctionDef, ...]]] = [(file.tree, ())]
    while pending:
        node, around = pending.pop()
        for child in reversed(list(ast.iter_child_nodes(node))):
            if isinstance(child, ast.FunctionDef):
                pending.append((child, (*around, child)))
            elif isinstance(child, (ast.stmt, ast.ExceptHandler)):
                pending.append((child, around))
        if isinstance(node, ast.FunctionDef) and _makes_kernel(node):
            found.append(Candidate(around))
    return tuple(sorted(found, key=lambda item: item.functions[-1].lineno))


def _makes_kernel(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.With)
        and any(
            isinstance(item.context_expr, ast.Call)
            and isinstance(item.context_expr.func, ast.Attribute)
            and item.context_expr.func.attr == "Kernel"
            for item in node.items
        )
        for node in _own(function)
    )


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The statements of a function, but for those of functions inside of it."""
    pending: list[ast.AST] = [item for item in function.body if not _is_function(item)]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(
            child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt) and not _is_function(child)
        )


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def choose(file: KernelFile, name: str | None) -> Candidate:
    """The kernel of that name, or the only one.

    Raises:
        SpecError: there is none, or there are several.
    """
    found = candidates(file)
    if not found:
        raise refuse_at("no kernel of TileLang's: no function has `with T.Kernel(…) as …`", (0, 0, 1))
    if name is None:
        if len(found) == 1:
            return found[0]
        known = listing(dict.fromkeys(item.path for item in found))
        raise refuse_at(f"{len(found)} kernels: name one, as FILE:NAME: {known}", (0, 0, 1))
    fitting = [item for item in found if name == item.path]
    fitting = fitting or [item for item in found if item.path.startswith(f"{name}.")]
    fitting = fitting or [item for item in found if item.path.endswith(f".{name}")]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        paths = [item.path for item in found]
        raise refuse_at(f"no kernel '{name}'{suggest(name, paths) or '; there is ' + listing(paths)}", (0, 0, 1))
    lines = {item.path: item.functions[-1].lineno for item in fitting}
    raise refuse_at(f"'{name}' is the name of {len(fitting)} kernels: {listing(lines)}", (0, 0, 1))


class _Reader(Body):
    """Reads one kernel; names of the module are read when they are asked for."""

    def __init__(self, file: KernelFile, given: Mapping[str, Any]) -> None:
        super().__init__(file, given)
        self.module = Scope(is_function=True)
        self.reading: set[str] = set()

    def name(self, name: str, node: ast.AST, scope: Scope) -> Any:
        """What a name stands for; one of the module's is read now."""
        found, _value = scope.find(name)
        if not found and name not in self.reading:
            statements = [item for item in self.file.tree.body if name in _binds(item)]
            if statements:
                self.of_module(name, statements, node)
            elif name not in BUILTINS and (module := self.starred()):
                # Whatever a module of TileLang's gives: what isn't known by its name is refused where it is used.
                self.module.names[name] = Intrinsic(module, name)
        elif not found:
            raise self.refuse(f"'{name}' depends on itself", node)
        return super().name(name, node, scope)

    def starred(self) -> str | None:
        """A module of TileLang's of which all names are imported."""
        for item in self.file.tree.body:
            if isinstance(item, ast.ImportFrom) and item.names[0].name == "*":
                module = item.module or ""
                if module.split(".")[0] == "tilelang":
                    return module
        return None

    def of_module(self, name: str, statements: list[ast.stmt], node: ast.AST) -> None:
        """Binds a name of the module's."""
        if name in self.given and not isinstance(statements[-1], (ast.FunctionDef, ast.Import, ast.ImportFrom)):
            self.used.add(name)
            value = self.given[name]
            self.settable.add(name)
            self.module.names[name] = Dim(value, name) if type(value) is int else value
            return
        simple = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.Import, ast.ImportFrom)
        if all(isinstance(item, (ast.Import, ast.ImportFrom)) for item in statements):
            # `import tilelang` and `import tilelang.testing` bind one name to one module.
            statements = statements[-1:]
        if len(statements) > 1 or not isinstance(statements[0], simple):
            self.module.names[name] = Unknown(
                f"'{name}' is given a value in several places, or where it isn't read: --set {name}=…",
                self.file.at(node),
            )
            return
        self.reading.add(name)
        kept, in_kernel = self.tolerant, self.in_kernel
        self.tolerant, self.in_kernel = True, False
        try:
            self.one(statements[0], self.module)
        finally:
            self.tolerant, self.in_kernel = kept, in_kernel
            self.reading.discard(name)
        value = self.module.names.get(name)
        if isinstance(value, Dim) and not isinstance(statements[0], ast.FunctionDef):
            self.settable.add(value.name)

    def parameters(self, function: ast.FunctionDef, scope: Scope, *, is_last: bool) -> None:
        """Gives a function's parameters their values: those that are given, or their defaults."""
        arguments = function.args
        names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults: dict[str, ast.expr | None] = dict(
            zip([item.arg for item in plain[len(plain) - len(arguments.defaults) :]], arguments.defaults, strict=True)
        )
        defaults |= dict(zip([item.arg for item in arguments.kwonlyargs], arguments.kw_defaults, strict=True))
        declared = {
            item.target.id
            for item in function.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value is None
        }
        missing: list[ast.arg] = []
        tensors: list[tuple[ast.arg, Any]] = []
        for item in names:
            name, default = item.arg, defaults.get(item.arg)
            is_tensor = name in declared or (
                is_last and item.annotation is not None and _may_be_tensor(item.annotation)
            )
            if name in self.given and is_tensor:
                raise self.refuse(f"'{name}' is a tensor: only numbers and words are set", item)
            if name in self.given:
                self.used.add(name)
                value = self.given[name]
            elif name in declared:
                continue
            elif default is not None:
                value = self.tolerated(default, scope)
            else:
                if item.annotation is not None and is_tensor:
                    tensors.append((item, item.annotation))
                else:
                    missing.append(item)
                continue
            if value is None:
                self.without.append(name)
            if type(value) is int:
                value = Dim(value, name)
            if isinstance(value, Dim):
                self.settable.add(name)
                value = Dim(int(value), name)
            scope.names[name] = value
        if missing:
            words = " ".join(f"{item.arg}=…" for item in missing)
            line, column, length = self.file.at(missing[0])
            text = f"parameters without a value: --set {words}"
            raise SpecError([Problem(message=text, position=(line, column), span=(0, length))])
        for item, annotation in tensors:
            # Annotations are read outside of the function, where its parameters are none of its names.
            kind = self.declared_type(annotation, scope.parent or scope)
            if kind is None:
                raise self.refuse(f"'{item.arg}' is no tensor: --set {item.arg}=…", item)
            scope.names[item.arg] = self.tensor(item.arg, kind, item)

    def decorated(self, function: ast.FunctionDef) -> None:
        """Sees that a function's decorators are TileLang's: another one may change what it means."""
        for decorator in function.decorator_list:
            node: ast.expr = decorator.func if isinstance(decorator, ast.Call) else decorator
            while isinstance(node, ast.Attribute):
                node = node.value
            value = self.value(node, self.module) if isinstance(node, ast.Name) else None
            known = isinstance(value, Module) and value.path.split(".")[0] == "tilelang"
            if not known and not (isinstance(value, Intrinsic) and value.module.startswith("tilelang")):
                raise self.refuse("a decorator that isn't TileLang's may change what the function does", decorator)


def _may_be_tensor(annotation: ast.expr) -> bool:
    node: ast.AST = annotation
    while isinstance(node, (ast.Call, ast.Subscript, ast.Attribute)):
        if isinstance(node, ast.Attribute) and node.attr in ("Tensor", "Buffer", "StridedTensor"):
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def _binds(statement: ast.stmt) -> set[str]:
    """The names that a statement of the module gives a value."""
    match statement:
        case ast.Assign(targets=targets):
            return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return {name}
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Import(names=names):
            return {alias.asname or alias.name.split(".")[0] for alias in names}
        case ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
        case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
            nested = (item for item in ast.walk(statement) if isinstance(item, ast.stmt) and item is not statement)
            return {name for item in nested if isinstance(item, (ast.Assign, ast.AnnAssign, ast.AugAssign))
                    for name in _binds(item)}  # fmt: skip
    return set()


def read_kernel(file: KernelFile, chosen: Candidate, given: Mapping[str, Any]) -> Kernel:
    """The kernel that a function makes of some values of its parameters.

    Args:
        file: where it is.
        chosen: the function, and those around it.
        given: values of parameters, of sizes, and of names of the module.

    Raises:
        SpecError: what isn't read, where it is; values that nothing asks for.
    """
    reader = _Reader(file, given)
    scope = reader.module
    function = chosen.functions[0]
    for number, function in enumerate(chosen.functions):
        is_last = number == len(chosen.functions) - 1
        reader.decorated(function)
        reader.tolerant = True
        scope = Scope(scope, is_function=True)
        reader.parameters(function, scope, is_last=is_last)
        if is_last:
            break
        with suppress(Returned):
            reader.run(function.body, scope)
        inner = chosen.functions[number + 1]
        bound = scope.names.get(inner.name)
        if getattr(bound, "node", None) is not inner:
            raise reader.refuse(f"with these values, '{function.name}' doesn't make this kernel", inner)
    with suppress(Returned):
        reader.run(function.body, scope)
    if reader.grid is None:
        raise reader.refuse("no T.Kernel with these values", function)
    _all_used(reader, given, function)
    return Kernel(
        name=chosen.kernel,
        buffers=reader.buffers,
        grid=reader.grid,
        body=tuple(reader.statements),
        sizes=reader.sizes,
        settable=frozenset(reader.settable),
        fills=reader.fills,
        hints=reader.hints,
        notes=tuple(reader.notes.values()),
        at=file.at(function),
    )


def _all_used(reader: _Reader, given: Mapping[str, Any], function: ast.FunctionDef) -> None:
    unused = [name for name in given if name not in reader.used]
    if unused:
        known = sorted(reader.settable)
        near = suggest(unused[0], known) or (f"; there is {listing(known)}" if known else "")
        raise reader.refuse(f"--set {unused[0]}: nothing has this name{near}", function)
