"""What a run is judged by: where elements are, what can be judged, and what is wrong as a whole."""

from __future__ import annotations

import numpy as np
import pytest

import ttgen
from tests.verify.drawn import drawn, spec
from ttgen.verify import check, judging
from ttgen.verify.bounded import Bounded, exact


def test_places_of_elements() -> None:
    plan = ttgen.plan(ttgen.load("specs/scale_shift.yaml"))
    tensor = plan.tensor("Y")  # 4 x 300 x 160: 10 x 5 tiles a batch
    assert check.page_of(tensor, (2, 33, 70)) == 2 * 50 + 5 + 2
    # bfloat16: the second face of a tile begins at byte 512, with column 16.
    assert check.first_logical(tensor, 107, 512, 2) == (2, 32, 80)
    # 300 rows: the last row of tiles has twelve.
    assert check.first_logical(tensor, 45, 12 * 32 - 2, 8) == (0, 299, 15)
    assert check.first_logical(tensor, 45, 12 * 32, 8) is None
    row = ttgen.plan(ttgen.load("specs/row.yaml")).tensor("y")
    assert check.first_logical(row, 31, 16, 4) is None  # columns 1000 and 1001 of 1000
    assert check.first_logical(row, 31, 14, 2) == (999,)
    assert check.page_of(row, (999,)) == 31


def test_the_core_that_wrote_a_page() -> None:
    plan = ttgen.plan(ttgen.load("specs/gemm.yaml"))
    assert check.writer_of(plan, "C", 20) == (4, 2)
    assert check.writer_of(plan, "C", 64) is None


def test_unbounded_elements_are_not_judged() -> None:
    error = np.array([[0.1, 0.1], [np.inf, 0.1]])
    expected = Bounded(np.array([[1.0, np.nan], [2.0, 3.0]]), error, error)
    plan = ttgen.plan(spec("Y = X + X", X="2x2 float32", Y="2x2 float32"))
    checked = check.compare(plan, "Y", np.array([[1.05, 7.0], [9.0, 3.0]], dtype=np.float32), expected)
    assert checked.passed
    assert (checked.index, checked.unbounded, checked.overflows) == ((0, 0), 2, 0)
    wrong = check.compare(plan, "Y", np.array([[1.0, 7.0], [9.0, np.nan]], dtype=np.float32), expected)
    assert not wrong.passed
    assert (wrong.index, wrong.pcc) == ((1, 1), 0.0)


@pytest.mark.parametrize(
    ("value", "passes"),
    [(np.inf, True), (3.4e38, True), (-np.inf, False), (1e38, False), (np.nan, False), (0.0, False)],
)
def test_what_overflows_is_infinite_or_the_largest_number(value: float, passes: bool) -> None:
    error = np.array([[0.0, 0.1]])
    plan = ttgen.plan(spec("Y = X + X", X="1x2 float32", Y="1x2 float32"))
    expected = Bounded(np.array([[np.inf, 1.0]]), error, error)
    checked = check.compare(plan, "Y", np.array([[value, 1.0]], dtype=np.float32), expected)
    assert (checked.passed, checked.overflows, checked.unbounded) == (passes, 1, 0)
    assert checked.index == ((0, 1) if passes else (0, 0))


VALUES = np.random.default_rng(0).standard_normal((64, 64)) * 8


@pytest.mark.parametrize(
    ("error", "wide"),
    [
        (0.1, False),
        (7.0, False),
        (9.0, True),  # another value would be within it too
    ],
)
def test_bounds_wider_than_the_values(error: float, wide: bool) -> None:
    assert judging.is_too_wide(VALUES, np.full(VALUES.shape, error), np.full(VALUES.shape, 0.01)) == wide
    # The mean says nothing: what matters is whether one value could be taken for another.
    assert judging.is_too_wide(VALUES + 1000, np.full(VALUES.shape, error), np.full(VALUES.shape, 0.01)) == wide


def test_values_that_their_format_makes_alike_can_be_judged() -> None:
    alike = np.ones((8, 8)) + 1e-9
    rounding = np.full(alike.shape, 2.0**-9)
    assert not judging.is_too_wide(alike, 3 * rounding, rounding)
    assert judging.is_too_wide(alike, 5 * rounding, rounding)
    # Of one value there is no spread: it is judged by its size.
    one = np.array([5.0])
    assert not judging.is_too_wide(one, np.array([1.0]), np.array([0.01]))
    assert judging.is_too_wide(one, np.array([6.0]), np.array([0.01]))


def test_nothing_to_judge() -> None:
    none = np.zeros(0)
    assert not judging.is_too_wide(none, none, none)
    assert (judging.deviation(none, none), judging.correlation(none, none), judging.least_correlation(none, none)) == (
        0.0, 0.0, -1.0,
    )  # fmt: skip
    error = np.full((1, 2), np.inf)
    plan = ttgen.plan(spec("Y = X + X", X="1x2", Y="1x2"))
    checked = check.compare(plan, "Y", np.ones((1, 2), dtype=np.float32), Bounded(np.ones((1, 2)), error, error))
    assert not checked.judged
    assert checked.unbounded == 2


def test_the_least_correlation_is_what_the_largest_deviation_leaves() -> None:
    """Errors across the values, of just the deviation that is allowed, turn them by just that angle."""
    centred = VALUES.ravel() - VALUES.mean()
    across = np.random.default_rng(1).standard_normal(centred.size)
    across -= across.mean() + centred * (across @ centred) / (centred @ centred)
    for part in (0.1, 0.5, 0.9):
        typical = np.full(centred.shape, part * judging.rms(centred) / judging.DEVIATION)
        least = judging.least_correlation(centred, typical)
        # The worst direction leaves the sum at right angles to the error.
        length = part * judging.rms(centred) * np.sqrt(1 - part**2)
        worst = centred * (1 - part**2) + across * (length / judging.rms(across))
        assert judging.rms(worst - centred) == pytest.approx(part * judging.rms(centred))
        assert judging.correlation(worst, centred) == pytest.approx(least, abs=1e-8)
        assert least == pytest.approx(np.sqrt(1 - part**2), abs=1e-8)
    assert judging.least_correlation(centred, np.full(centred.shape, judging.rms(centred))) == -1.0


def test_what_only_all_elements_together_show() -> None:
    """Each element is within its bound, which is as wide as the values."""
    made = drawn(spec("C = A @ B", "accumulate: bfloat16", A="64x4096", B="4096x32", C="64x32"))
    expected = made.expected["C"]
    right = check.compare(made.plan, "C", expected.value.astype(np.float32), expected)
    assert right.passed
    assert not right.judged
    others = np.roll(expected.value, 1, axis=0).astype(np.float32)
    wrong = check.compare(made.plan, "C", others, expected)
    assert wrong.within
    assert not wrong.passed
    assert wrong.deviation > 4 * judging.DEVIATION
    assert abs(wrong.pcc) < 0.1 < 0.9 < wrong.least_pcc


@pytest.mark.parametrize(("value", "passes"), [(2.0, True), (2.0 + 2.0**-20, False)])
def test_what_is_only_moved_has_no_error(value: float, passes: bool) -> None:
    plan = ttgen.plan(ttgen.load("specs/row.yaml"))
    values = np.array([[1.0, 2.0]])
    checked = check.compare(plan, "y", np.array([[1.0, value]], dtype=np.float32), exact(values))
    assert checked.within is passes
    assert checked.passed is passes
