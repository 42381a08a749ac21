"""Loops that proofs cut short: the trips that they look at have the extremes of all."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ttgen.analysis import coverage
from ttgen.analysis.slices import switches
from ttgen.model.body import Body, Let, Loop, ReadPage
from ttgen.model.effects import Effect, Page
from ttgen.model.index import Const, Expr, Index, Var, evaluate

V, K = Var("v"), Var("k")
number = st.integers(0, 9).map(Const)


def pages(effect: Effect) -> tuple[Index, ...]:
    return (effect.page,) if isinstance(effect, Page) else ()


def loop(trips: int, body: Body) -> Loop:
    return Loop(var="v", extent=Const(trips), body=body)


def read(page: Index) -> ReadPage:
    return ReadPage(tensor="T", page=page, cb="T")


def linear(draw: st.DrawFn) -> Index:
    """A line in v that rises or falls."""
    line: Index = Expr("*", V, draw(number))
    return Expr(draw(st.sampled_from("+-")), draw(st.integers(0, 90).map(Const)), line)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """A page that is linear in v, beside a minimum of two lines, with an inner loop as long as such a minimum."""
    turn: Index = Expr("min", linear(draw), linear(draw))
    page: Index = Expr("+", Expr("*", K, draw(number)), Expr(draw(st.sampled_from("+-")), linear(draw), Var("turn")))
    depth: Index = Expr("min", Const(draw(st.integers(1, 9))), linear(draw))
    return (
        Let(name="turn", index=turn),
        Let(name="depth", index=depth),
        Loop(var="k", extent=Var("depth"), body=(read(page),)),
    )


def values(item: Loop, trips: list[int]) -> list[int]:
    found = []
    for trip in trips:
        own = {"v": trip}
        turn, depth, inner = item.body
        assert isinstance(turn, Let)
        assert isinstance(depth, Let)
        assert isinstance(inner, Loop)
        own["turn"], own["depth"] = evaluate(turn.index, own), evaluate(depth.index, own)
        (statement,) = inner.body
        assert isinstance(statement, ReadPage)
        found += [evaluate(statement.page, {**own, "k": k}) for k in range(own["depth"])]
    return found


@settings(max_examples=500)
@given(bodies(), st.integers(1, 12))
def test_the_trips_that_are_looked_at_have_the_extremes_of_all(body: Body, trips: int) -> None:
    item = loop(trips, body)
    turns = switches(item, pages)
    assert turns is not None
    differences = [
        lambda v, turn=turn: evaluate(turn.left, {"v": v}) - evaluate(turn.right, {"v": v}) for turn in turns
    ]
    few = coverage._few(range(trips), *differences)
    assert len(few) <= 3 + 4 * len(turns)
    _turn, depth, _inner = body
    assert isinstance(depth, Let)
    assume(all(evaluate(depth.index, {"v": v}) >= 1 for v in range(trips)))  # as the extent of a loop is
    every, chosen = values(item, list(range(trips))), values(item, few)
    assert (min(chosen), max(chosen)) == (min(every), max(every))


def test_what_goes_through_a_division_is_run_through() -> None:
    for operator in ("//", "%"):
        index = Expr(operator, V, Const(3))
        assert switches(loop(9, (read(index),)), pages) is None
        assert switches(loop(9, (Let(name="x", index=index), read(Var("x")))), pages) is None


def test_a_product_of_two_that_vary_is_run_through() -> None:
    inner = Loop(var="k", extent=V, body=(read(Expr("*", V, K)),))
    assert switches(loop(9, (inner,)), pages) is None
    assert switches(loop(9, (read(Expr("*", V, K)),)), pages) == ()


def test_a_product_through_a_name_is_run_through() -> None:
    body = (Let(name="x", index=V), read(Expr("*", Var("x"), V)))
    assert switches(loop(9, body), pages) is None


def test_a_minimum_of_a_minimum_is_run_through() -> None:
    """Its switches are where lines cross, and this one's left side is none."""
    bent = Expr("min", V, Const(3))
    assert switches(loop(9, (read(Expr("min", bent, Expr("*", V, Const(2)))),)), pages) is None
