"""Schedules as a trace that Perfetto opens: its own format, a protocol buffer (perfetto's perfetto_trace.proto).

A program is a process with the parts of its prediction and DRAM, and so is each core with its engines. Numbers of
fields and of enumerators are those of the published definition; only the few messages are written that this takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from ttgen.target import Target
from ttgen.timeline.schedule import ProgramSchedule, Slice, Track

MOST: Final = 50_000
"""Slices of a trace, about: 3 MB."""

_TRACE_PACKET: Final = 1
# TracePacket
_TIMESTAMP, _SEQUENCE, _EVENT, _DESCRIPTOR = 8, 10, 11, 60
# TrackDescriptor
_UUID, _NAME, _PROCESS, _PARENT, _ORDERING, _RANK = 1, 2, 3, 5, 11, 12
_EXPLICIT: Final = 3
# ProcessDescriptor
_PID, _PROCESS_NAME = 1, 6
# TrackEvent
_TYPE, _TRACK, _EVENT_NAME = 9, 11, 23
_BEGIN, _END = 1, 2

Field = int | str | bytes


def trace(kernel: str, programs: Sequence[ProgramSchedule], target: Target) -> bytes:
    """The trace of a spec's programs, one after another; the first is launched at 0.

    Args:
        kernel: the kernel's name.
        programs: in the order that they run in.
        target: the card, for its clock.
    """
    places = sorted({place for program in programs for place in program.cores}, key=lambda place: place[::-1])
    most = max(1, MOST // (sum(len(program.cores) for program in programs) * 6))
    whole = [*(_whole(program) for program in programs), *(program.dram() for program in programs)]
    packets = _process(1, f"{kernel} on {target.name}, predicted", _joined(chain.from_iterable(whole)), target)
    for number, place in enumerate(places):
        cores = (program.cores[place] for program in programs if place in program.cores)
        tracks = _joined(track for core in cores for track in core.tracks(target, most))
        packets += _process(2 + number, f"core x={place[0]} y={place[1]}", tracks, target)
    return b"".join(_field(_TRACE_PACKET, packet) for packet in packets)


def _whole(program: ProgramSchedule) -> tuple[Track, ...]:
    """What is predicted of a program."""
    return (Track(name=f"program {program.name}", slices=tuple(program.parts())),)


def _joined(tracks: Iterable[Track]) -> list[Track]:
    """Tracks of one name, of programs that follow each other, as one."""
    found: dict[str, tuple[Slice, ...]] = {}
    for track in tracks:
        found[track.name] = (*found.get(track.name, ()), *track.slices)
    return [Track(name=name, slices=slices) for name, slices in found.items()]


def _process(pid: int, name: str, tracks: Iterable[Track], target: Target) -> list[bytes]:
    """The packets of a process and its tracks."""
    first = pid * 100
    process = _message((_PID, pid), (_PROCESS_NAME, name))
    packets = [_described(_message((_UUID, first), (_PROCESS, process), (_ORDERING, _EXPLICIT)))]
    for rank, track in enumerate(tracks):
        uuid = first + 1 + rank
        packets.append(_described(_message((_UUID, uuid), (_NAME, track.name), (_PARENT, first), (_RANK, rank))))
        packets += _events(uuid, track, target)
    return packets


def _described(descriptor: bytes) -> bytes:
    return _message((_SEQUENCE, 1), (_DESCRIPTOR, descriptor))


def _events(uuid: int, track: Track, target: Target) -> Iterator[bytes]:
    """The beginning and the end of each slice, in nanoseconds."""
    for item in track.slices:
        begin, end = (round(cycles / target.clock_ghz) for cycles in (item.start, item.start + item.cycles))
        yield _event(begin, _message((_TYPE, _BEGIN), (_TRACK, uuid), (_EVENT_NAME, item.name)))
        yield _event(end, _message((_TYPE, _END), (_TRACK, uuid)))


def _event(time: int, event: bytes) -> bytes:
    return _message((_TIMESTAMP, time), (_SEQUENCE, 1), (_EVENT, event))


def _message(*fields: tuple[int, Field]) -> bytes:
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: Field) -> bytes:
    """A field: its number and wire type, then an integer that isn't negative, or so many bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the highest bit set."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
