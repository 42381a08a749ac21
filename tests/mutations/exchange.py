"""Faults in what cores have to do with each other: in the patterns, in the tables, and in the proofs."""

from __future__ import annotations

from tests.mutations.fault import Fault, faults

_BETWEEN = "test_proofs_between_cores.py"
_FOUND = f"{_BETWEEN}::test_fault_is_found"
_IN_STEP = "test_in_step.py::test_never_ends"
_RENDERED = "test_snapshots.py::test_rendered_files"

EXCHANGE: tuple[Fault, ...] = (
    *faults(
        "patterns/groups",
        ("others = sub(group.ranks, ONE)", "others = group.ranks", f"{_RENDERED}[gemm_one_row]"),
        ("turns = add(floor_div(ROUND, group.ranks), ONE)", "turns = floor_div(ROUND, group.ranks)", f"{_RENDERED}[gemm_one_row]"),
        ("Place(x=CORE_X, y=last_y)", "Place(x=CORE_X, y=sub(CORE_ROWS, ONE))", f"{_RENDERED}[gemm_split_gelu]"),
        ("CORE_ROWS, row, Place(", "CORE_ROWS, CORE_Y, Place(", f"{_RENDERED}[gemm_split_gelu]"),
        ("            WriteBarrier(),\n            *pop((ahead,)),", "            *pop((ahead,)),", f"{_RENDERED}[gemm_prefetch]"),
        ("ahead, add(ROUND, group.ranks), steps)", "ahead, add(ROUND, ONE), steps)", f"{_RENDERED}[gemm_prefetch]"),
        ("left=NEXT, relation=\"<\", right=rounds", "left=NEXT, relation=\"<\", right=steps", f"{_RENDERED}[gemm_prefetch]"),
        ("            *reserve((access,)),\n            If(", "            If(", f"{_RENDERED}[gemm_one_row]"),
        ("after = add(ROUND, ONE)", "after = ROUND", f"{_RENDERED}[gemm_one_row]"),
        ("index=add(first_y, floor_div(SENDER, CORE_COLS))", "index=add(first_y, floor_div(SENDER, CORE_ROWS))", f"{_RENDERED}[gemm_a_to_all]"),
        ("(*read_pages((access,)), ReadBarrier(), heard", "(*read_pages((access,)), heard", f"{_RENDERED}[gemm_one_column]"),
    ),
    *faults(
        "patterns/parts",
        ("slot=mul(sub(PART, ONE), own.pages)", "slot=mul(PART, own.pages)", f"{_RENDERED}[gemm_split_gelu]"),
        ("        WriteBarrier(),\n        Signal(", "        Signal(", f"{_RENDERED}[gemm_split_gelu]"),
        ("at_least=mul(add(TRIP, ONE), others)", "at_least=others", f"{_RENDERED}[gemm_split_gelu]"),
        ("y=add(CORE_Y, mul(add(OTHER, ONE), CORE_ROWS))", "y=add(CORE_Y, mul(OTHER, CORE_ROWS))", f"{_RENDERED}[gemm_split_gelu]"),
        ("        Reserve(cb=partials.cb, pages=partials.pages),\n", "", f"{_RENDERED}[gemm_split_gelu]"),
        ("y=sub(CORE_Y, mul(PART, CORE_ROWS))", "y=sub(CORE_Y, CORE_ROWS)", f"{_RENDERED}[gemm_split_gelu]"),
    ),
    *faults(
        "planner/division",
        ("(max(x_counts),) * across, (max(y_counts),) * down", "x_counts, y_counts", f"{_RENDERED}[gemm_multicast_uneven]"),
        ("used = rows * cols if groups else used", "used = min(used, rows * cols)", "test_interpreter.py::test_cores_that_only_complete_a_rectangle"),
        ("\"row\" if line is None or rows == 1 else \"all\"", "\"row\"", f"{_RENDERED}[gemm_a_to_all]"),
        ('(line == "b" or (line is None and rows > 1))', '(line == "b" or line is None)', f"{_RENDERED}[gemm_one_row]"),
        ("rows=core_grid.rows // split", "rows=core_grid.rows", f"{_RENDERED}[gemm_split_gelu]"),
        ("down=1 if down == 1 else used, across=used if down == 1 else 1", "down=rows, across=cols", f"{_RENDERED}[gemm_b_to_all]"),
        ("(x, y + part * rows): begin", "(x, y + part): begin", f"{_RENDERED}[gemm_split_gelu]"),
    ),
    *faults(
        "analysis/network",
        ("if any(at < slot + pages and slot < at + number", "if any(False", f"{_FOUND}[one slot for all helpers]"),
        ("0 <= slot <= ring.reserved - pages", "0 <= slot", f"{_FOUND}[the next helper's slot]"),
        ("0 <= slot <= ring.reserved - pages", "slot <= ring.reserved - pages", f"{_FOUND}[a slot before the root's room]"),
        ("if ring.place != first:", "if False:", f"{_FOUND}[signals in the counter of the other operand]"),
        ("                if ring is None:\n                    self._fail(", "                if ring is None:\n                    continue\n                    self._fail(", f"{_FOUND}[an area a column too wide]"),
        ("if sum(ring.come.values()) != pages:", "if False:", f"{_FOUND}[a page of the sums that isn't sent]"),
        ("if counter.reached != counter.value:", "if False:", f"{_FOUND}[a helper that doesn't wait for room]"),
        ("self.owes.add(\"signal\")", "pass", f"{_FOUND}[signals that are pending at the end]"),
        ("self._expect(len(cores) == number,", "self._expect(True,", f"{_FOUND}[a number of cores that isn't the area's]"),
        ("self._expect(number > 1,", "self._expect(True,", f"{_FOUND}[a multicast to nobody]"),
        ("if value <= counter.value:", "if False:", f"{_FOUND}[an announcement of the round before]"),
        ("self._expect(self.name not in ring.leaving, cb, \"signalled", "self._expect(True, cb, \"signalled", f"{_FOUND}[a helper that signals before the barrier]"),
        ("self._expect(self.place in cores, what", "self._expect(True, what", f"{_FOUND}[an area of other cores]"),
        ("for what in sorted(self.owes):", "for what in ():", f"{_FOUND}[writes that are pending at the end]"),
        ("self._expect(not own[cb].in_flight, cb", "self._expect(True, cb", f"{_FOUND}[a multicast before the read barrier]"),
        ("            own[source].leaving.add(self.name)\n", "", f"{_FOUND}[a block ahead that is popped too early]"),
        ("own[cb].in_flight.add((self.name, \"write\"))", "pass", f"{_FOUND}[a block of its own that hasn't come]"),
        ("last if (core.place, name) == late else ready", "ready", f"{_FOUND}[a helper that signals before it sends]"),
        ("if counter.value < at_least:", "if False:", f"{_FOUND}[a dropped signal]"),
        ("self._expect(own[cb].filled, cb, \"sent", "self._expect(True, cb, \"sent", f"{_FOUND}[a multicast of the ring]"),
    ),
    *faults(
        "analysis/tokens",
        ("for core in _few(group):", "for core in group[-1:]:", f"{_FOUND}[a helper that waits for room at the end]"),
        ("_few(group):\n            for name in core.bodies:", "_few(group):\n            for name in ():", f"{_FOUND}[a helper that waits for room at the end]"),
        ("if core.place in turns or all(", "if all(", f"{_BETWEEN}::test_one_rank_signals_before_it_reserves[gemm_a_to_all-3]"),
        ("ends = [{*line[:2], line[-1]} for line in lines]", "ends = [{*line[:2]} for line in lines]",
         f"{_BETWEEN}::test_one_rank_signals_before_it_reserves[gemm_a_to_all-7]"),
        ("and any(_holds_numbers(body)", "and not any(_holds_numbers(body)", f"{_BETWEEN}::test_one_rank_signals_before_it_reserves[gemm_one_row-3]"),
        ("_ALL = 16", "_ALL = 4", f"{_BETWEEN}::test_one_rank_signals_before_it_reserves[gemm_one_row-2]"),
        ("reached += talk(own.bodies[name]).partners(own.values)", "pass", f"{_FOUND}[a helper that waits for room at the end]"),
    ),
    *faults(
        "analysis/in_step",
        ("if kernel.done != self.done:", "if False:", f"{_IN_STEP}[a core that hands over later]"),
        ("if len(come) < self.gate.number:", "if False:", f"{_IN_STEP}[groups that wait for each other]"),
        ("if self.gate.ended[0] != self.done:", "if False:", f"{_IN_STEP}[a core that hands over less at the end]"),
        ("if any(core.rings != first.rings for core in cores):", "if False:", f"{_IN_STEP}[a core that has a smaller buffer]"),
        (" and not arguments(flow(body), handed_over).isdisjoint(PLACES)", " and False", f"{_IN_STEP}[a core that takes more]"),
        (" or _tells_groups_apart(group, cores):", ":", f"{_FOUND}[a step less in the last row]"),
    ),
    *faults(
        "analysis/roles",
        ("if numbers.setdefault(name, value) != value:", "if False:", f"{_BETWEEN}::test_kernels_that_take_a_name_for_different_numbers"),
    ),
    *faults(
        "analysis/steps",
        ("case Reach(at_least=at_least):\n            return (at_least,)", "case Reach():\n            return ()", f"{_FOUND}[a dropped signal]"),
    ),
)  # fmt: skip
