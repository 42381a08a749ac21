"""The plan's budget of L1 is the emulator's: buffers may grow to the byte where they meet the tensors."""

from __future__ import annotations

from pathlib import Path

import pytest

import ttgen
from ttgen.model.artifact import Artifact
from ttgen.verify.toolchain import Builder
from ttgen.verify.verify import verify


@pytest.mark.parametrize("target", ["n150", "p150"])
def test_buffers_meet_tensors_where_the_plan_says(builder: Builder, target: str) -> None:
    text = Path("specs/add_l1.yaml").read_text(encoding="utf-8")
    loaded = ttgen.loads(text.replace("kernel: add_l1", f"kernel: add_l1\ntarget: {target}"), name="add_l1.yaml")
    plan = ttgen.plan(loaded)
    own = plan.program.circular_buffers[0].pages
    room = own + (plan.program.l1.limit - plan.program.l1.bytes) // 2048
    ring = "cb_A, tt::DataFormat::Float16_b, /*pages=*/"
    for pages, names in ((room, []), (room + 1, ["overlap"])):
        files = tuple(
            Artifact(file.path, file.text.replace(f"{ring}{own}", f"{ring}{pages}")) for file in ttgen.render(plan)
        )
        verdict = verify(loaded, plan, builder, files=files, jobs=2)
        assert [finding.name for finding in verdict.findings] == names
