"""Traffic as a workload for tt-npe, which estimates what congestion of the NoCs does to it.

The form is the one that tt-npe's `loadJSONWorkloadFormat` reads. Coordinates are NoC 0's on both networks, a rectangle
is given by its lowest corner first, and a phase begins when the first program is launched: tt-npe starts all at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ttgen.target import Target
from ttgen.timeline.traffic import Transfer


def workload(programs: Iterable[Iterable[Transfer]], target: Target) -> str:
    """The workload of a spec's programs: a phase each, a transfer a line.

    Args:
        programs: what each moves.
        target: the card, for how fast cores and DRAM send.
    """
    phases = []
    for program in programs:
        ordered = sorted(program, key=lambda transfer: transfer.begin)
        lines = ",\n".join(f"    {json.dumps(_transfer(item, target))}" for item in ordered)
        phases.append(f'  {{"transfers": [\n{lines}\n  ]}}')
    return '{"phases": [\n' + ",\n".join(phases) + "\n]}\n"


def _transfer(item: Transfer, target: Target) -> dict[str, object]:
    rates = target.noc.bytes_per_clock
    (x0, y0), (x1, y1) = item.first, item.last
    is_multicast = item.what == "WRITE_MULTICAST"
    return {
        "packet_size": item.packet_bytes,
        "num_packets": item.packets,
        "src_x": item.source[0],
        "src_y": item.source[1],
        **(
            {"mcast_start_x": x0, "mcast_start_y": y0, "mcast_end_x": x1, "mcast_end_y": y1}
            if is_multicast
            else {"dst_x": x0, "dst_y": y0}
        ),
        "noc_type": f"NOC_{item.noc}",
        "injection_rate": rates.dram if item.from_dram else rates.worker,
        "phase_cycle_offset": round(item.begin),
        "noc_event_type": item.what,
    }
