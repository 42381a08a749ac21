"""Faults in the proofs: each lets a wrong program pass, so that only a test with such a program sees it."""

from __future__ import annotations

from tests.mutations.fault import Fault, equivalent, faults

ANALYSIS: tuple[Fault, ...] = (
    *faults(
        "analysis/tokens",
        (
            "if pushed != popped or (pushed == 0 and cb not in _at_times(core)):",
            "if pushed != popped:",
            "test_wrong_programs.py::test_flow[a buffer that nobody uses]",
        ),
        (
            "if packed not in (0, pushed):",
            "if packed not in (0, pushed, packed):",
            "test_wrong_programs.py::test_flow[a page of two that isn't packed]",
        ),
        (
            "if core.rings[token.cb] % pages:",
            "if False:",
            "test_proofs.py::test_fault_is_found[steps that don't wrap]",
        ),
        (
            "alike.setdefault(tuple(_work(core, core.bodies)), core)",
            "alike.setdefault((), core)",
            "test_proofs.py::test_fault_is_found[a unit too many on one core]",
        ),
    ),
    *faults(
        "analysis/memory",
        (
            "if (at - self.begin[self.host]) % len(self.held_by) >= self.room:",
            "if (at - self.begin[self.host]) % len(self.held_by) > self.room:",
            "test_memory.py::test_what_meets_is_found[too little room]",
        ),
        (
            "            self.front += pages\n",
            "            pass\n",
            "test_memory.py::test_tile_by_tile[4]",
        ),
        (
            'self.held_by[at % len(self.held_by)] = ""',
            "pass",
            "test_memory.py::test_what_meets_is_found[given away before]",
        ),
        (
            "if cb == self.guest and self._holder(at) == self.host:",
            "if False:",
            "test_memory.py::test_what_meets_is_found[sums again]",
        ),
        (
            "if len(users) != 1:",
            "if not users:",
            "test_memory.py::test_a_kernel_of_another_part_may_not_have_to_do_with_it",
        ),
    ),
    *faults(
        "analysis/network",
        (
            'self._expect((self.name, "read") not in ring.in_flight, cb, "still',
            'self._expect(True, cb, "still',
            "test_proofs.py::test_fault_is_found[a read that is pending at the end]",
        ),
        (
            "if slot >= ring.waited:",
            "if slot > ring.waited:",
            "test_proofs.py::test_fault_is_found[a dropped wait]",
        ),
        (
            'if of == "write":',
            'if of == "read":',
            "test_proofs.py::test_fault_is_found[a unit too many on one core]",
        ),
        (
            "if ring.reserved < pages:",
            "if False:",
            "test_wrong_programs.py::test_flow[a push of more than is reserved]",
        ),
        (
            "if ring.in_flight:",
            "if False:",
            "test_proofs.py::test_fault_is_found[a dropped read barrier]",
        ),
        (
            "if not ring.filled:",
            "if False:",
            "test_proofs.py::test_fault_is_found[a dropped read]",
        ),
        (
            "        ring.filled = False\n",
            "        ring.filled = True\n",
            "test_wrong_programs.py::test_flow[a page that isn't filled after one that is]",
        ),
        (
            "if ring.waited < pages:",
            "if False:",
            "test_wrong_programs.py::test_flow[a pop of more than was waited for]",
        ),
        (
            "if ring.leaving:",
            "if False:",
            "test_proofs.py::test_fault_is_found[a dropped write barrier]",
        ),
        (
            "        ring.reserved -= pages\n",
            "",
            "test_wrong_programs.py::test_flow[a page that is filled after its push]",
        ),
        (
            "        ring.waited -= pages\n",
            "",
            "test_wrong_programs.py::test_flow[a page that is used after its pop]",
        ),
        (
            "(ring.packed if slot is None else slot) >= ring.reserved",
            "(ring.packed if slot is None else slot) > ring.reserved",
            "test_proofs.py::test_fault_is_found[a dropped reserve]",
        ),
        (
            "ring.packed += slot is None",
            "ring.packed += 0",
            "test_wrong_programs.py::test_flow[two pages that are packed to one]",
        ),
    ),
    equivalent(
        "analysis/network",
        'self._expect(self.name not in ring.leaving, cb, "still',
        'self._expect(True, cb, "still',
        "a page is popped after its write barrier, and every page that was pushed is popped",
    ),
    *faults(
        "analysis/coverage",
        (
            "if sorted(numbers) != list(range(pages[subject.name])):",
            "if sorted(set(numbers)) != list(range(pages[subject.name])):",
            "test_wrong_programs.py::test_pages_that_two_cores_write",
        ),
        (
            "for number in (min(numbers, default=0), max(numbers, default=0)):",
            "for number in (min(numbers, default=0),):",
            "test_proofs.py::test_fault_is_found[a page beyond the tensor in the middle]",
        ),
        (
            "for number in (min(numbers, default=0), max(numbers, default=0)):",
            "for number in (max(numbers, default=0),):",
            "test_wrong_programs.py::test_a_page_before_the_first",
        ),
        (
            "if not 0 <= number < pages:",
            "if not 0 <= number <= pages:",
            "test_proofs.py::test_fault_is_found[a page beyond the tensor in the second step only]",
        ),
        (
            "return (first, last) if",
            "return (first,) if",
            "test_proofs.py::test_fault_is_found[tiles beyond the end of a shard]",
        ),
        (
            'kind = "wait" if subject.kind == "use" else "reserve"',
            'kind = "push"',
            "test_wrong_programs.py::test_a_slot_that_was_not_waited_for_in_a_ring_that_has_it",
        ),
        (
            "rows if subject.is_exact else dict.fromkeys(rows)",
            "dict.fromkeys(rows)",
            "test_wrong_programs.py::test_pages_that_two_cores_write",
        ),
        (
            "chosen.update((turn - 1, turn, turn + 1, turn + 2))",
            "chosen.update((turn - 1,))",
            "test_slices.py::test_the_trips_that_are_looked_at_have_the_extremes_of_all",
        ),
        (
            'yield f"{indent}adds = {to_python(index)}"',
            'yield f"{indent}adds = 0"',
            "test_proofs.py::test_fault_is_found[a shard that is handed over in part]",
        ),
        (
            "for core in cores:\n                            if sorted(",
            "for core in cores[:1]:\n                            if sorted(",
            "test_wrong_programs.py::test_a_shard_that_one_core_packs_twice_to_one_place",
        ),
        (
            'return self.kind in ("write", "pack")',
            'return self.kind == "write"',
            "test_proofs.py::test_fault_is_found[a tile of a shard that is packed twice]",
        ),
    ),
    equivalent(
        "analysis/coverage",
        "chosen = {0, 1, last}",
        "chosen = {0, last}",
        "what is linear has its extremes at its ends, and those of a switch are looked at beside it",
    ),
    *faults(
        "analysis/dst",
        (
            "if not 0 <= slot < slots:",
            "if not 0 <= slot <= slots:",
            "test_proofs.py::test_fault_is_found[a slot beyond DST]",
        ),
        (
            "        if slot not in written:\n",
            "        if False:\n",
            "test_wrong_programs.py::test_a_function_of_nothing",
        ),
        (
            'if operation.result == "in_place" and used[0] != first:',
            'if operation.result == "in_place" and False:',
            "test_proofs.py::test_fault_is_found[a result in another slot]",
        ),
        (
            "again = op.onto or (adds_up and written.get(slot) == op.name)",
            "again = op.onto or slot in written",
            "test_proofs.py::test_products_of_two_kinds_in_one_slot",
        ),
        (
            "if operation.dst_bits not in (None, bits):",
            "if False:",
            "test_wrong_programs.py::test_an_operation_that_16_bits_cannot_hold",
        ),
        (
            "if not operation.exact_float32 and tile.cb in to_dst:",
            "if False:",
            "test_proofs.py::test_matrices_never_come_unpacked_to_dst",
        ),
        (
            "if operation.exact_float32 and tile.cb in exact and tile.cb not in to_dst:",
            "if False:",
            "test_proofs.py::test_float32_that_loses_its_flag",
        ),
        (
            "(slot := evaluate(effect.slot, own)) not in written:",
            "(slot := evaluate(effect.slot, own)) >= slots:",
            "test_proofs.py::test_fault_is_found[another slot packed]",
        ),
        (
            "if any(_uses_dst(effect) for effect in effects(statement)):",
            "if False:",
            "test_wrong_programs.py::test_an_operation_outside_a_section",
        ),
        (
            "results = range(first, first + number)",
            "results = range(first, first + 1)",
            "test_proofs.py::test_fault_is_found[a slot beyond the block in the middle]",
        ),
        (
            "for trip in (*trips[:2], *trips[2:][-1:]):",
            "for trip in trips[:1]:",
            "test_wrong_programs.py::test_what_one_trip_leaves_meets_the_next",
        ),
    ),
    *faults(
        "analysis/slices",
        (
            'case "//" | "%":\n                    return False',
            'case "//" | "%":\n                    return sides',
            "test_slices.py::test_what_goes_through_a_division_is_run_through",
        ),
        (
            "return sides and not (in_left and in_right)",
            "return sides",
            "test_slices.py::test_a_product_of_two_that_vary_is_run_through",
        ),
        (
            "return sides and is_straight",
            "return sides",
            "test_slices.py::test_a_minimum_of_a_minimum_is_run_through",
        ),
        (
            "found.append(Switch(left, right))",
            "pass",
            "test_slices.py::test_the_trips_that_are_looked_at_have_the_extremes_of_all",
        ),
        (
            "(used_names(body, wanted) - made)",
            "(used_names(body, wanted))",
            "test_proofs.py::test_fault_is_found[a unit too many on one core]",
        ),
    ),
    *faults(
        "model/index",
        (
            "return values.get(name, index)",
            "return index",
            "test_slices.py::test_a_product_through_a_name_is_run_through",
        ),
    ),
    *faults(
        "analysis/counts",
        (
            "sum(map(mul, times, alike.values()))",
            "sum(times)",
            "test_acceptance.py::test_gemm_256",
        ),
        (
            "max(most[key], *times)",
            "times[-1]",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
        (
            "flops += 2 * prod(value.shape) * over.size",
            "flops += prod(value.shape) * over.size",
            "test_acceptance.py::test_gemm_256",
        ),
        (
            "ONE if op.block is None else product(op.block.rows, op.block.cols)",
            "ONE",
            "test_snapshots.py::test_rendered_files[gemm_a_sharded]",
        ),
        (
            "if inner_factors else _factor(extent)",
            "if inner_factors else _factor(ONE)",
            "test_proofs.py::test_fault_is_found[a unit too many on one core]",
        ),
        (
            "else stored[name].page_bytes)",
            "else 1)",
            "test_acceptance.py::test_gemm_256",
        ),
        (
            "if kind in wanted and tensor.in_dram",
            "if kind in wanted",
            "test_snapshots.py::test_rendered_files[add_columns]",
        ),
    ),
)
