"""Programs of two cores that go in step, and such as don't, of which some never end: what parts alone don't show."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import ttgen
from tests.broken import check
from ttgen.analysis import network, tokens
from ttgen.analysis.errors import ProofError
from ttgen.analysis.network import Core
from ttgen.model.body import Body, If, Loop, Pop, Push, ReadBarrier, ReadPage, Reserve, Statement, Wait
from ttgen.model.exchange import AtomicBarrier, Await, Place, Signal
from ttgen.model.index import ONE, ZERO, Const, Expr, Index, Var, add

OTHER = Place(x=Expr("-", ONE, Var("core_x")), y=ZERO)


def reserve(cb: str, pages: int = 1) -> Reserve:
    return Reserve(cb=cb, pages=Const(pages))


def fill(cb: str, pages: int = 1) -> Body:
    return (ReadPage(tensor=cb, page=ZERO, cb=cb), ReadBarrier(), Push(cb=cb, pages=Const(pages)))


def take(cb: str, pages: int = 1) -> Body:
    return (Wait(cb=cb, pages=Const(pages)), Pop(cb=cb, pages=Const(pages)))


def on(core: int, then: Body, otherwise: Body = ()) -> If:
    return If(left=Var("core_x"), relation="==", right=Const(core), then=then, otherwise=otherwise)


def twice(*body: Statement) -> Loop:
    return Loop(var="v", extent=Const(2), body=body)


def say(name: str) -> Signal:
    return Signal(semaphore=name, to=OTHER)


def hear(name: str, at_least: Index = ONE) -> Await:
    return Await(semaphore=name, at_least=at_least)


# Each tells the other that it has room for a page, and waits until that has some.
READER = (twice(reserve("A"), say("a"), hear("a", add(Var("v"), ONE)), *fill("A")), AtomicBarrier())
WRITER = (twice(*take("A")),)
# Core 1 has to take its first page before core 0 has one; at the end each hears of the other.
LAGS = (
    on(0, (reserve("A"), hear("a"), *fill("A"), reserve("A"), *fill("A"), say("a")),
       (reserve("A"), *fill("A"), reserve("A"), *fill("A"), say("a"), hear("a"))),
    AtomicBarrier(),
)  # fmt: skip
# Core 0 has to take its first page before core 1 has one.
LEADS = (
    on(0, (reserve("B"), *fill("B"), reserve("B"), say("b"), *fill("B"), hear("b")),
       (reserve("B"), hear("b"), *fill("B"), reserve("B"), *fill("B"), say("b"))),
    AtomicBarrier(),
)  # fmt: skip
BOTH = (twice(Wait(cb="A", pages=ONE), *take("B"), Pop(cb="A", pages=ONE)),)


def prove(bodies: Mapping[str, Body], *rings: int) -> None:
    """Two cores with as many pages of each buffer."""
    names = "AB" if "leads" in bodies else "A"
    tokens.check([
        Core(place=(x, 0), values={"core_x": x, "core_y": 0}, bodies=bodies, rings=dict.fromkeys(names, pages))
        for x, pages in enumerate(rings)
    ])  # fmt: skip


def test_cores_that_go_in_step() -> None:
    prove({"reader": READER, "writer": WRITER}, 1, 1)


def test_cores_that_end_in_other_steps() -> None:
    prove({"lags": LAGS, "writer": WRITER}, 1, 1)


NEVER_END: dict[str, tuple[dict[str, Body], tuple[int, int]]] = {
    "groups that wait for each other": ({"lags": LAGS, "leads": LEADS, "writer": BOTH}, (1, 1)),
    "a core that hands over later": (
        {"reader": (twice(reserve("A"), say("a"), hear("a", add(Var("v"), ONE)), on(0, fill("A"))),
                    on(1, fill("A")), AtomicBarrier()), "writer": WRITER}, (1, 1)),
    "a core that hands over less at the end": (
        {"reader": (reserve("A"), say("a"), hear("a"), *fill("A"), reserve("A"), say("a"), hear("a", Const(2)),
                    on(0, fill("A")), AtomicBarrier()), "writer": WRITER}, (1, 1)),
    "a core that takes more": ({"reader": READER, "writer": (*WRITER, on(1, take("A")))}, (1, 1)),
    "a core that has a smaller buffer": ({"reader": READER, "writer": (Wait(cb="A", pages=Const(2)), *WRITER)}, (2, 1)),
}  # fmt: skip


@pytest.mark.parametrize("what", NEVER_END)
def test_never_ends(what: str) -> None:
    bodies, rings = NEVER_END[what]
    with pytest.raises(ProofError, match="wait for each other"):
        prove(bodies, *rings)


def test_cores_of_a_multicast_do(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = ttgen.plan(ttgen.load("specs/gemm_multicast.yaml"))
    sizes = set()
    run = network.run

    def counted(cores: tuple[Core, ...], **options: object) -> None:
        sizes.add(len(cores))
        run(cores, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tokens, "run", counted)
    check(plan)
    assert max(sizes) < plan.program.work.cores
