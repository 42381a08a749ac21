"""What came of the runs of a spec's program, and how it is told."""

from __future__ import annotations

import numpy as np

from ttgen.dtypes import DTYPES, DTypeName
from ttgen.errors import counted
from ttgen.formula.online import attention_of
from ttgen.records import dataclass
from ttgen.verify.check import OutputCheck
from ttgen.verify.judging import DEVIATION, RELATIVE
from ttgen.verify.programs import Checked
from ttgen.verify.run import Counters, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one spec.

    Attributes:
        kernel: its name.
        spec: its file.
        outputs: of each output, and of what each of several programs stores, the worst of the runs with normal inputs,
            or the run that failed.
        judged: whether every run could be: bounds were narrower than the values.
        counters: of each program in the first run that ended in the emulator; none otherwise.
        findings: all that is wrong; empty if it is right.
        notes: what isn't wrong but worth knowing.
        runs: how many there were.
        seconds: that it took.
    """

    kernel: str
    spec: str
    outputs: tuple[OutputCheck, ...]
    judged: bool
    counters: tuple[Counters, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    runs: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def most_relative(program: Checked) -> float:
    """How far all of an output may be off, where that says more than its bounds."""
    return RELATIVE if attention_of(program.graph) is not None else np.inf


def tells_more(checked: OutputCheck, shown: OutputCheck) -> bool:
    """Whether a run is shown instead of another: one that failed, one that can't be judged, the worse of the normal."""
    if checked.passed != shown.passed:
        return not checked.passed
    if checked.judged != shown.judged:
        return not checked.judged
    return checked.inputs == "normal" and checked.part >= shown.part


def wrong(checked: OutputCheck, dtype: DTypeName) -> Finding:
    """What is wrong of an output that doesn't pass."""
    of = f" of stage {checked.stage}" if checked.stage else ""
    if checked.within and checked.relative > checked.most_relative:
        return Finding(
            name="wrong-numbers",
            message=f"{checked.tensor}{of}: each element is within its bound, but not all of them together: errors are "
            f"{checked.relative:.2%} of the values (at most {checked.most_relative:.0%}, as roots of the mean square)",
        )
    if checked.within:
        return Finding(
            name="wrong-numbers",
            message=f"{checked.tensor}{of}: each element is within its bound, but not all of them together: errors are "
            f"{checked.deviation:.3g} times what rounding makes (at most {DEVIATION:g}), and the correlation is "
            f"{checked.pcc:.4f} (at least {checked.least_pcc:.4f})",
        )
    shared = f" ({dtype}: neighbours share an exponent)" if DTYPES[dtype].shares_exponents else ""
    return Finding(
        name="wrong-numbers",
        message=f"{checked.tensor}{list(checked.index)}{of}, in tile {checked.page}, is {checked.value:.6g} and should "
        f"be {checked.reference:.6g} ± {checked.allowed:.2g}{shared}",
        core=checked.core,
    )


def note(checked: OutputCheck, *, by_stages: bool) -> str:
    """What isn't wrong but worth knowing of an output."""
    of = f" of stage {checked.stage}" if checked.stage else ""
    run = f"{checked.tensor}{of}, with {checked.inputs} inputs"
    if not checked.judged:
        return (
            f"{run}: {'judged by its stages' if by_stages else 'not judged'}: bounds ({checked.width:.2g} as root of "
            f"the mean square) are wider than the values, which spread by {checked.spread:.2g}"
        )
    if checked.overflows:
        return f"{run}: {counted(checked.overflows, 'element')} overflow: what the formula gives is infinite in float32"
    return ""
