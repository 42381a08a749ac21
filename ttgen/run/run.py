"""Runs a plan on a device, and judges it as `ttgen verify` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ttgen.model.plan import Plan, Tensor
from ttgen.records import dataclass
from ttgen.rendering.artifacts import artifacts
from ttgen.run.messages import Arrays, MeshDevices, Order, Stored, Timed
from ttgen.run.process import Card, Fault
from ttgen.run.profile import Launch
from ttgen.run.watcher import waiting
from ttgen.spec import LoadedSpec
from ttgen.verify.inputs import nearest
from ttgen.verify.meshes import verify_mesh_elsewhere
from ttgen.verify.run import Finding, Outcome
from ttgen.verify.verify import Verdict, verify_elsewhere
from ttgen.verify.wholes import Place, mesh_of, put_together

_POISON = np.float32(1e30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a spec's programs on a device.

    Attributes:
        verdict: outputs beside NumPy's value of the formula.
        stored: outputs of the first run, and what lies between programs; nothing where it didn't end.
        microseconds: of each timed run of all programs.
        launches: the programs of each timed run, by the device profiler; none where it wasn't on.
    """

    verdict: Verdict
    stored: Arrays
    microseconds: tuple[float, ...]
    launches: tuple[tuple[Launch, ...], ...]


def run(loaded: LoadedSpec, plan: Plan, card: Card, *, seed: int, repeat: int, given: Arrays) -> Ran:
    """Runs all programs: on normal inputs and on hard ones, or on those that are given; then some times for the clock.

    Args:
        loaded: the spec.
        plan: its plan.
        card: the device.
        seed: of inputs that aren't given.
        repeat: timed runs, after the others.
        given: values of inputs, rounded to their dtypes here.

    Raises:
        DeviceError: there is no device, or not what the programs need.
        ProfileError: the device profiler didn't write what it should.
    """
    rounded = {name: nearest(values.astype(np.float64), plan.tensor(name).dtype) for name, values in given.items()}
    runs = _Runs(plan, card, repeat)
    if plan.mesh is None:
        verdict = verify_elsewhere(loaded, plan, runs.outcomes, seed=seed, given=rounded)
    else:
        verdict = verify_mesh_elsewhere(loaded, plan, runs.on_devices, seed=seed, given=rounded)
    launches: tuple[tuple[Launch, ...], ...] = ()
    if card.profile is not None and len(runs.microseconds) == repeat:
        launches = card.profile.added(runs.rounds + repeat, len(plan.programs))[runs.rounds :]
    return Ran(verdict=verdict, stored=runs.first, microseconds=runs.microseconds, launches=launches)


def order_of(plan: Plan, rounds: Sequence[tuple[Arrays, ...]], *, repeat: int) -> Order:
    """A plan's programs as the process that has the device is told of them.

    Args:
        plan: whose they are.
        rounds: the tensors of each device, in whole tiles, in each run whose outputs are wanted.
        repeat: runs that are timed.
    """
    files = {file.path.removeprefix(f"{plan.kernel}/"): file.text for file in artifacts(plan)}
    return Order(
        kernel=plan.kernel, target=plan.target, mesh=mesh_devices(plan), files=files, rounds=tuple(rounds),
        repeat=repeat,
    )  # fmt: skip


def mesh_devices(plan: Plan) -> MeshDevices | None:
    """What a plan's programs run on; None for one device."""
    if plan.mesh is None:
        return None
    return MeshDevices(rows=plan.mesh.rows, cols=plan.mesh.cols, exchanges=bool(plan.collectives))


class _Runs:
    """The runs of one order, as they end."""

    def __init__(self, plan: Plan, card: Card, repeat: int) -> None:
        self.first: Mapping[str, NDArray[np.float32]] = {}
        self.microseconds: tuple[float, ...] = ()
        self._plan = plan
        self._card = card
        self._repeat = repeat
        self.rounds = 0

    def outcomes(self, sets: Sequence[Arrays]) -> Iterator[Outcome]:
        """What each set of inputs came to; all of it is there once the first is, so that nothing is left to run."""
        found = self._run([(inputs,) for inputs in sets])
        self.first = found[0][0].stored if found else {}
        return (outcome for (outcome,) in found)

    def on_devices(self, sets: Sequence[Mapping[Place, Arrays]]) -> Iterator[Mapping[Place, Outcome]]:
        """The same of the devices of a mesh."""
        plan = self._plan
        places = list(mesh_of(plan).devices())
        found = [
            dict(zip(places, outcomes, strict=True))
            for outcomes in self._run([tuple(inputs[place] for place in places) for inputs in sets])
        ]
        if found and not any(outcome.findings for outcome in found[0].values()):
            names = [tensor.name for tensor in plan.tensors if tensor.role != "input" and not tensor.is_partial]
            parts = {name: {place: own.stored[name] for place, own in found[0].items()} for name in names}
            self.first = {name: put_together(plan, name, own) for name, own in parts.items()}
        return iter(found)

    def _run(self, sets: Sequence[tuple[Arrays, ...]]) -> list[list[Outcome]]:
        """What each set of inputs of all devices came to on each; a fault is the first one's."""
        plan = self._plan
        rounds = [
            tuple(
                {name: padded(plan.tensor(name), values, poison=number % 2 == 0) for name, values in inputs.items()}
                for inputs in devices
            )
            for number, devices in enumerate(sets)
        ]
        self.rounds = len(rounds)
        order = order_of(plan, rounds, repeat=self._repeat)
        found: list[list[Outcome]] = []
        for answer in self._card.run(order):
            match answer:
                case Stored(values=devices):
                    found.append(
                        [
                            Outcome(stored={name: cropped(plan.tensor(name), array) for name, array in values.items()})
                            for values in devices
                        ]
                    )
                case Timed(microseconds=times):
                    self.microseconds = times
                case Fault() as fault:
                    wrong = (Finding(name=fault.name, message=fault.message, details=self._details(fault)),)
                    if len(found) < len(sets):
                        found.append([Outcome(stored={}) for _inputs in sets[0]])
                    found[-1][0] = replace(found[-1][0], findings=wrong)
        return found

    def _details(self, fault: Fault) -> tuple[str, ...]:
        """What is known of a fault: of a program that doesn't end, what its cores wait for."""
        program = next((program for program in self._plan.programs if program.name == fault.program), None)
        if fault.name != "timeout" or program is None:
            return fault.details
        log = self._card.watched()
        if log is None:
            return ("TT_METAL_WATCHER=1 has tt-metal's watcher say what cores wait for", *fault.details)
        return (*waiting(log, program), *fault.details)


def padded(tensor: Tensor, values: NDArray[np.float32], *, poison: bool) -> NDArray[np.float32]:
    """An input in whole tiles: zeros where a use needs them, and elsewhere, if asked, what shows if it is used."""
    fill = _POISON if poison and all(use.padding == "any" for use in tensor.uses) else np.float32(0)
    whole = np.full(tensor.stored_shape, fill, np.float32)
    whole[_logical(tensor)] = values
    return whole


def cropped(tensor: Tensor, whole: NDArray[np.float32]) -> NDArray[np.float32]:
    """A tensor without its padding."""
    return np.ascontiguousarray(whole[_logical(tensor)].reshape(tensor.shape))


def _logical(tensor: Tensor) -> tuple[slice, ...]:
    # A vector is the first row of its tiles.
    shape = tensor.shape if len(tensor.shape) > 1 else (1, *tensor.shape)
    return tuple(slice(0, size) for size in shape)
