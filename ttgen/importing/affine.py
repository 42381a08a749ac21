"""Index expressions as sums of variables times whole numbers: what is compared, subtracted and substituted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from ttgen.importing.form import Apply, Constant, Expression, Load, Variable
from ttgen.records import dataclass


@dataclass(frozen=True, slots=True)
class Divided:
    """The quotient, rounded down, or the remainder of an index and a number."""

    op: Literal["floordiv", "mod"]
    of: Affine
    by: int


@dataclass(frozen=True, slots=True)
class Affine:
    """A number, and terms: variables, or quotients and remainders, each times a whole number other than 0."""

    terms: tuple[tuple[str | Divided, int], ...] = ()
    constant: int = 0

    @property
    def variables(self) -> frozenset[str]:
        """All variables that it depends on."""
        found: set[str] = set()
        for atom, _times in self.terms:
            found |= {atom} if isinstance(atom, str) else atom.of.variables
        return frozenset(found)

    @property
    def only(self) -> str | None:
        """The variable that it is, if it is no more than one."""
        if self.constant == 0 and len(self.terms) == 1:
            atom, times = self.terms[0]
            if times == 1 and isinstance(atom, str):
                return atom
        return None

    def times(self, factor: int) -> Affine:
        """The product with a number."""
        if factor == 0:
            return Affine()
        return Affine(tuple((atom, number * factor) for atom, number in self.terms), self.constant * factor)

    def plus(self, other: Affine) -> Affine:
        """The sum."""
        totals: dict[str | Divided, int] = dict(self.terms)
        for atom, number in other.terms:
            totals[atom] = totals.get(atom, 0) + number
        kept = sorted(((atom, number) for atom, number in totals.items() if number), key=repr)
        return Affine(tuple(kept), self.constant + other.constant)

    def minus(self, other: Affine) -> Affine:
        """The difference."""
        return self.plus(other.times(-1))

    def with_variables(self, given: Mapping[str, Affine]) -> Affine:
        """The index with others in the place of some variables."""
        total = Affine((), self.constant)
        for atom, number in self.terms:
            if isinstance(atom, str):
                part = given.get(atom, Affine(((atom, 1),)))
            else:
                part = divided(atom.op, atom.of.with_variables(given), atom.by)
            total = total.plus(part.times(number))
        return total


ZERO: Final = Affine()


def variable(name: str) -> Affine:
    """A variable."""
    return Affine(((name, 1),))


def divided(op: Literal["floordiv", "mod"], of: Affine, by: int) -> Affine:
    """A quotient or a remainder, worked out where it is a number."""
    if not of.terms:
        return Affine((), of.constant // by if op == "floordiv" else of.constant % by)
    if by == 1:
        return of if op == "floordiv" else ZERO
    return Affine(((Divided(op, of, by), 1),))


def affine(expression: Expression) -> Affine | None:
    """An expression as an index; None where it depends on data, or isn't linear."""
    match expression:
        case Constant(value=value):
            return Affine((), int(value)) if float(value).is_integer() else None
        case Variable(name=name):
            return variable(name)
        case Load():
            return None
        case Apply(op="neg", operands=(operand,)):
            inner = affine(operand)
            return None if inner is None else inner.times(-1)
        case Apply(op=op, operands=(first, second)):
            left, right = affine(first), affine(second)
            if left is None or right is None:
                return None
            if op == "add":
                return left.plus(right)
            if op == "sub":
                return left.minus(right)
            if op == "mul" and not right.terms:
                return left.times(right.constant)
            if op == "mul" and not left.terms:
                return right.times(left.constant)
            if op in ("floordiv", "mod") and not right.terms and right.constant > 0:
                return divided("floordiv" if op == "floordiv" else "mod", left, right.constant)
    return None
