"""Statements of a kernel, from Python's syntax: what is known is decided, the rest becomes the kernel's own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, Final

from ttgen.errors import SpecError
from ttgen.importing.declarations import Declarations, TensorType
from ttgen.importing.dialect import NOTES, SIGNATURES
from ttgen.importing.form import (
    Apply,
    Expression,
    If,
    Let,
    Load,
    Loop,
    Parallel,
    Statement,
    Store,
    Variable,
)
from ttgen.importing.text import refuse_at
from ttgen.importing.values import (
    LANGUAGE,
    MAX_PARTS,
    Dim,
    Function,
    Indexed,
    Intrinsic,
    Module,
    Scope,
    Span,
    Unknown,
    expression,
    is_expression,
    is_number,
    parts,
    reads,
)

MAX_CALLS: Final = 8
MAX_TRIPS: Final = 256
_ASSIGNING: Final = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
}  # fmt: skip


class Returned(Exception):  # noqa: N818 - not an error: the way out of a function
    """A function returns."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Body(Declarations):
    """Statements; inside of a kernel they are collected, outside of one names are bound."""

    calls = 0
    tolerant = False

    def run(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Reads statements one by one."""
        for statement in statements:
            self.one(statement, scope)

    def one(self, node: ast.stmt, scope: Scope) -> None:
        """Reads a statement."""
        match node:
            case ast.Assign(targets=targets, value=value):
                found = self.tolerated(value, scope)
                for target in targets:
                    self.assign(target, found, node, scope)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                self.annotated(name, annotation, value, node, scope)
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in _ASSIGNING:
                self.augmented(target, _ASSIGNING[type(op)], value, node, scope)
            case ast.If(test=test, body=body, orelse=orelse):
                self.choice(test, body, orelse, node, scope)
            case ast.For():
                self.loop(node, scope)
            case ast.With(items=[item], body=body):
                self.with_block(item, body, scope)
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=value):
                self.tolerated(value, scope)
            case ast.FunctionDef(name=name):
                scope.names[name] = Function(node, scope)
            case ast.Return(value=value):
                raise Returned(None if value is None else self.tolerated(value, scope))
            case ast.Assert(test=test):
                value = self.tolerated(test, scope)
                if not isinstance(value, Unknown) and is_number(value) and not value:
                    raise self.refuse("the source asserts that this isn't so", node)
            case ast.Pass():
                pass
            case ast.Import() | ast.ImportFrom():
                self.imports(node, scope)
            case _:
                raise self.refuse("this statement isn't part of what is read of a kernel", node)

    def tolerated(self, node: ast.expr, scope: Scope) -> Any:
        """A value; outside of kernels, what isn't read is unknown until something depends on it."""
        if not self.tolerant:
            return self.value(node, scope)
        try:
            return self.value(node, scope)
        except SpecError as error:
            return Unknown(error.problems[0].message, self.file.at(node))

    def imports(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        """What an import binds: names that lead to TileLang or to `math`, or to what isn't read."""
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.split(".")[0]
                path = alias.name if alias.asname else name
                scope.names[name] = Module(path)
            else:
                module = node.module or ""
                name = alias.asname or alias.name
                path = f"{module}.{alias.name}"
                is_module = path == LANGUAGE or module not in (LANGUAGE, "tilelang", "math")
                scope.names[name] = Module(path) if is_module else self.attribute(Module(module), alias.name, node)

    def bind(self, name: str, value: Any, node: ast.AST, scope: Scope) -> None:
        """Gives a name a value."""
        if self.in_kernel and name not in scope.names and scope.belongs_outside(name):
            raise self.refuse(f"'{name}' changes inside a loop or a branch: keep such a value in a buffer", node)
        if isinstance(value, TensorType):
            value = self.tensor(name, value, node)
        elif type(value) is int:
            value = Dim(value, name)
        elif is_expression(value) and parts(value) > MAX_PARTS:
            raise self.refuse(f"an expression of more than {MAX_PARTS} parts", node)
        elif is_expression(value) and reads(value):
            variable = self.unique(name)
            self.emit(Let(variable=variable, value=value, at=self.file.at(node)))
            value = Variable(variable)
        elif isinstance(value, Indexed) and not any(isinstance(item, Span) for item in value.items):
            self.bind(name, self.expression_of(value, node), node, scope)
            return
        scope.names[name] = value

    def assign(self, target: ast.expr, value: Any, node: ast.stmt, scope: Scope) -> None:
        """Gives names, or an element of a buffer, a value."""
        match target:
            case ast.Name(id=name):
                self.bind(name, value, node, scope)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                if isinstance(value, Unknown):
                    for item in targets:
                        self.assign(item, value, node, scope)
                    return
                if not isinstance(value, (tuple, list)) or len(value) != len(targets):
                    raise self.refuse(f"{len(targets)} values are expected here", node)
                for item, part in zip(targets, value, strict=True):
                    self.assign(item, part, node, scope)
            case ast.Subscript():
                self.store(target, None, value, node, scope)
            case _:
                raise self.refuse("only names and elements of buffers are given values", target)

    def store(self, target: ast.Subscript, op: str | None, value: Any, node: ast.stmt, scope: Scope) -> None:
        """Gives an element of a buffer a value, or adds to it."""
        if isinstance(value, Unknown):
            raise refuse_at(value.why, value.at)
        found = self.known(target, scope)
        if not isinstance(found, Indexed) or any(isinstance(item, Span) for item in found.items):
            raise self.refuse("only single elements of buffers are given values: use T.copy or T.fill for more", target)
        stored = self.expression_of(value, node)
        indices = tuple(item for item in found.items if not isinstance(item, Span))
        name, adds = found.buffer.name, False
        if op is not None and op == "add" and name in self.reducers:
            adds = True
        elif op is not None:
            stored = Apply(op, (Load(name, indices), stored))
        self.emit(Store(buffer=name, indices=indices, value=stored, adds=adds, at=self.file.at(node)))

    def augmented(self, target: ast.expr, op: str, value: ast.expr, node: ast.stmt, scope: Scope) -> None:
        """`target op= value`."""
        if isinstance(target, ast.Subscript):
            self.store(target, op, self.value(value, scope), node, scope)
            return
        if not isinstance(target, ast.Name):
            raise self.refuse("only names and elements of buffers are given values", target)
        before = self.known(target, scope)
        self.bind(target.id, self.binary(op, before, self.known(value, scope), node, (target, value)), node, scope)

    def annotated(self, name: str, annotation: ast.expr, value: ast.expr | None, node: ast.stmt, scope: Scope) -> None:
        """A tensor that is declared where it is a parameter, or a value with a type that says nothing more."""
        if value is not None:
            self.assign(ast.Name(id=name, ctx=ast.Store()), self.tolerated(value, scope), node, scope)
            return
        declared = self.declared_type(annotation, scope)
        if declared is None:
            raise self.refuse("only tensors are declared here: T.Tensor((M, N), dtype)", annotation)
        scope.names[name] = self.tensor(name, declared, node)

    def choice(
        self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt, scope: Scope
    ) -> None:
        """A branch that is taken, or a condition of the kernel."""
        condition = self.known(test, scope)
        inner = expression(condition)
        if inner is None or is_number(condition) or not self.in_kernel:
            if inner is not None and not is_number(condition):
                raise self.refuse("this condition isn't known where the kernel is made", test)
            self.run(body if condition else orelse, scope)
            return
        then = self.collected(lambda: self.run(body, Scope(scope)))
        otherwise = self.collected(lambda: self.run(orelse, Scope(scope)))
        self.emit(If(condition=inner, then=then, otherwise=otherwise, at=self.file.at(node)))

    def collected(self, read: Callable[[], None]) -> tuple[Statement, ...]:
        """The statements that reading something gives."""
        kept, self.statements = self.statements, []
        try:
            read()
            return tuple(self.statements)
        finally:
            self.statements = kept

    def loop(self, node: ast.For, scope: Scope) -> None:
        """A loop of the kernel's, or one over a list."""
        if node.orelse:
            raise self.refuse("'else' of a loop isn't read", node)
        name, arguments, named = "", [], {}
        if isinstance(node.iter, ast.Call):
            called = self.known(node.iter.func, scope)
            if isinstance(called, Intrinsic):
                name = called.name
                arguments = [self.known(item, scope) if name != "Persistent" else self.value(item, scope)
                             for item in node.iter.args]  # fmt: skip
                named = {item.arg: self.value(item.value, scope) for item in node.iter.keywords if item.arg}
        if not self.in_kernel or not name:
            self.static_loop(node, name, arguments, scope)
            return
        name = {"range": "serial", "Serial": "serial", "Unroll": "unroll", "Vectorized": "vectorized"}.get(name, name)
        given = self.bound(name, node.iter, arguments, named)
        if name == "Parallel":
            self.parallel(node, arguments, scope)
        elif name in ("serial", "unroll", "vectorized", "Pipelined"):
            self.counted(node, name, given, scope)
        elif name == "Persistent":
            self.persistent(node, given, scope)
        else:
            raise self.refuse(f"a loop over T.{name} isn't read", node.iter)

    def static_loop(self, node: ast.For, name: str, arguments: list[Any], scope: Scope) -> None:
        """A loop outside of a kernel, or over a list: trip by trip."""
        items = range(*(self.integer(item, node) for item in arguments)) if name == "range" else None
        values = items if items is not None else self.known(node.iter, scope)
        if not isinstance(values, (list, tuple, range)) or len(values) > MAX_TRIPS:
            raise self.refuse(f"a loop over a list of at most {MAX_TRIPS} items is expected here", node.iter)
        for item in values:
            self.assign(node.target, item, node, scope)
            self.run(node.body, scope)

    def counted(self, node: ast.For, name: str, given: dict[str, Any], scope: Scope) -> None:
        """A loop with a counter."""
        if not isinstance(node.target, ast.Name):
            raise self.refuse("one variable is expected here", node.target)
        start, stop = given.get("start", 0), given.get("stop")
        if stop is None:
            start, stop = 0, start
        step = given.get("step")
        if step is not None and step != 1:
            raise self.refuse("a loop goes in steps of 1 here", node.iter)
        if name == "Pipelined" and given.get("num_stages"):
            self.note("num_stages", f"num_stages={given['num_stages']}: blocks of operands are double-buffered", node)
        variable = self.unique(node.target.id)
        inner = Scope(scope)
        counter: Expression = Variable(variable)
        extent = self.expression_of(stop, node.iter)
        if start != 0:
            first = self.expression_of(start, node.iter)
            counter = Apply("add", (first, counter))
            extent = self.expression_of(self.binary("sub", stop, start, node, (node.iter, node.iter)), node.iter)
        inner.names[node.target.id] = counter
        body = self.collected(lambda: self.run(node.body, inner))
        self.emit(Loop(variable=variable, extent=extent, body=body, at=self.file.at(node.iter)))

    def parallel(self, node: ast.For, arguments: list[Any], scope: Scope) -> None:
        """Lanes."""
        targets = _targets(node)
        if len(targets) != len(arguments):
            raise self.refuse(f"{len(arguments)} extents for {len(targets)} variables", node.iter)
        variables, inner = self.variables_of(targets, scope)
        extents = tuple(self.integer(item, node.iter) for item in arguments)
        body = self.collected(lambda: self.run(node.body, inner))
        at = self.file.at(node.iter)
        self.emit(Parallel(variables=variables, extents=extents, body=body, at=at))

    def variables_of(self, targets: Sequence[ast.expr], scope: Scope) -> tuple[tuple[str, ...], Scope]:
        """Variables of the kernel's for those that a loop names, and a scope that has them."""
        inner = Scope(scope)
        variables = []
        for target in targets:
            if not isinstance(target, ast.Name):
                raise self.refuse("a variable is expected here", target)
            variables.append(self.unique(target.id))
            inner.names[target.id] = Variable(variables[-1])
        return tuple(variables), inner

    def persistent(self, node: ast.For, given: dict[str, Any], scope: Scope) -> None:
        """All units of a grid, which some cores share: each is made once, by whichever."""
        domain = given.get("domain")
        targets = _targets(node)
        if not isinstance(domain, (list, tuple)) or len(domain) != len(targets):
            raise self.refuse("a list of extents, one a variable, is expected here", node.iter)
        self.note("persistent", "T.Persistent: the loop over units is every kernel's here", node)
        names, inner = self.variables_of(targets, scope)
        body = self.collected(lambda: self.run(node.body, inner))
        for name, extent in reversed(list(zip(names, domain, strict=True))):
            count = self.expression_of(extent, node.iter)
            body = (Loop(variable=name, extent=count, body=body, at=self.file.at(node.iter)),)
        self.emit(body[0])

    def with_block(self, item: ast.withitem, body: list[ast.stmt], scope: Scope) -> None:
        """`with T.Kernel(…) as (bx, by)`."""
        call = item.context_expr
        called = self.known(call.func, scope) if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or not isinstance(called, Intrinsic) or called.name != "Kernel":
            name = called.name if isinstance(called, Intrinsic) else "this block"
            raise self.refuse(f"{name} has no counterpart: 'with T.Kernel(…) as (bx, by)' is read", call)
        names = item.optional_vars
        targets = names.elts if isinstance(names, (ast.Tuple, ast.List)) else ([] if names is None else [names])
        self.begin_kernel(call, targets, scope)
        self.in_kernel = True
        tolerant, self.tolerant = self.tolerant, False
        self.run(body, scope)
        self.tolerant = tolerant
        self.in_kernel = False

    def function(self, called: Function, node: ast.Call, arguments: list[Any], named: dict[str, Any]) -> Any:
        """What a function of the file gives: its statements are read in the place of the call."""
        if self.calls >= MAX_CALLS:
            raise self.refuse(f"functions call each other deeper than {MAX_CALLS}", node)
        inner = Scope(called.scope, is_function=True)
        parameters = called.node.args
        if parameters.vararg or parameters.kwarg or parameters.posonlyargs:
            raise self.refuse("only plain parameters are read", called.node)
        names = [item.arg for item in parameters.args]
        if len(arguments) > len(names):
            raise self.refuse(f"'{called.node.name}' takes {len(names)} arguments, not {len(arguments)}", node)
        given = dict(zip(names, arguments, strict=False)) | named
        if any(is_expression(value) and parts(value) > MAX_PARTS for value in given.values()):
            raise self.refuse(f"an expression of more than {MAX_PARTS} parts", node)
        first = len(names) - len(parameters.defaults)
        defaults = dict(zip(names[first:], parameters.defaults, strict=True))
        for keyword, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True):
            names.append(keyword.arg)
            if default is not None:
                defaults[keyword.arg] = default
        for name in names:
            if name not in given and name not in defaults:
                raise self.refuse(f"'{called.node.name}' needs '{name}'", node)
            inner.names[name] = given[name] if name in given else self.value(defaults[name], called.scope)
        if unknown := [name for name in named if name not in names]:
            raise self.refuse(f"'{called.node.name}' has no parameter '{unknown[0]}'", node)
        self.calls += 1
        try:
            self.run(called.node.body, inner)
        except Returned as returned:
            return returned.value
        finally:
            self.calls -= 1
        return None

    def intrinsic(self, name: str, node: ast.Call, arguments: list[Any], named: dict[str, Any]) -> Any:
        """A statement of TileLang's, or what declares something."""
        if name in NOTES:
            self.note(name, NOTES[name], node)
            return None
        if name in SIGNATURES or name in ("const", "dynamic", "symbolic"):
            return self.statement(name, node, arguments, named)
        raise self.refuse(self.why_not(name), node)


def _targets(node: ast.For) -> Sequence[ast.expr]:
    """What a loop gives values."""
    return node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
