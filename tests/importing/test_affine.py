"""Index expressions as sums of variables have the value of what they are made from."""

from __future__ import annotations

import random

import pytest

from ttgen.importing.affine import Affine, affine, variable
from ttgen.importing.form import Apply, Constant, Expression, Load, Variable
from ttgen.importing.operations import OPERATIONS

NAMES = ("bx", "by", "i", "j")


def drawn(generator: random.Random, depth: int) -> Expression:
    if depth == 0 or generator.random() < 0.2:
        return Variable(generator.choice(NAMES)) if generator.random() < 0.6 else Constant(generator.randint(-9, 9))
    op = generator.choice(("add", "sub", "mul", "floordiv", "mod", "neg"))
    first = drawn(generator, depth - 1)
    if op == "neg":
        return Apply(op, (first,))
    other = Constant(generator.randint(1, 9)) if op in ("mul", "floordiv", "mod") else drawn(generator, depth - 1)
    return Apply(op, (other, first) if op == "mul" and generator.random() < 0.5 else (first, other))


def value(expression: Expression, given: dict[str, int]) -> int:
    match expression:
        case Constant(value=number):
            return int(number)
        case Variable(name=name):
            return given[name]
        case Apply(op=op, operands=operands):
            return int(OPERATIONS[op](*(value(operand, given) for operand in operands)))
    raise AssertionError(expression)


@pytest.mark.parametrize("seed", range(200))
def test_an_index_has_the_value_of_its_expression(seed: int) -> None:
    generator = random.Random(seed)
    expression = drawn(generator, 4)
    index = affine(expression)
    assert index is not None
    for _case in range(5):
        given = {name: generator.randint(0, 40) for name in NAMES}
        whole = index.with_variables({name: Affine((), number) for name, number in given.items()})
        assert (whole.terms, whole.constant) == ((), value(expression, given))
        shifted = index.with_variables({"i": variable("j").plus(Affine((), 3))})
        again = shifted.with_variables({name: Affine((), number) for name, number in given.items()})
        assert again.constant == value(expression, given | {"i": given["j"] + 3})
    assert not index.minus(index).terms


def test_what_is_no_index() -> None:
    for expression in (Load("x", ()), Constant(0.5), Apply("mul", (Variable("i"), Variable("j"))),
                       Apply("floordiv", (Variable("i"), Variable("j"))), Apply("exp", (Variable("i"),))):  # fmt: skip
        assert affine(expression) is None
    assert variable("i").only == "i"
    assert variable("i").times(2).only is None
    assert variable("i").plus(Affine((), 1)).only is None
