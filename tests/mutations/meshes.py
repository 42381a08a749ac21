"""Faults in what a mesh computes: in how values are cut, in what devices exchange, and in the proof of both."""

from __future__ import annotations

from tests.mutations.fault import Fault, faults

_SPREAD = "mesh/test_spread.py"
_PROGRAMS = "mesh/test_programs.py"
_RANDOM = f"{_SPREAD}::test_random_formulas_over_random_meshes"
_BAD = "test_bad_specs.py::test_message"


def _broken(case: str) -> str:
    return f"{_PROGRAMS}::test_a_broken_plan_is_found[{case}]"


MESHES: tuple[Fault, ...] = (
    *faults(
        "mesh/placement",
        ("place = place * count + own", "place = place + own", f"{_SPREAD}::test_collectives_of_one_layer"),
        ("if size % parts:", "if size % parts > 1000:", f"{_BAD}[mesh_undivided]"),
    ),
    *faults(
        "mesh/rules",
        ("if any(partial) and function != \"sum\":", "if False:", f"{_BAD}[mesh_softmax]"),
        ("return (first, second)[cut if not transposed else 1 - cut]", "return (first, second)[cut]", _RANDOM),
        ("for operand in operands if varies(operand.shape, dim)):", "for operand in operands[:1]):", f"{_BAD}[mesh_bias_forgotten]"),
        ("if cuts is None or (function in PLACED and {0, 1} & {*cuts}):", "if cuts is None:", f"{_BAD}[mesh_causal]"),
    ),
    *faults(
        "mesh/spread",
        ("node = self.summed(index, self.made(index, value, operands))", "node = self.made(index, value, operands)", f"{_SPREAD}::test_a_column_parallel_layer_and_a_row_parallel_one"),
        ("if along is not None and side == 0 and cuts[1] == along:", "if False:", f"{_SPREAD}::test_rows_of_devices_dont_cut_what_columns_have_cut"),
        ("if cuts[1] not in (None, cuts[0]):", "if cuts[1] is not None:", f"{_SPREAD}::test_what_columns_have_cut_of_what_rows_have"),
        ("return True\n        return False", "return False\n        return False", f"{_BAD}[mesh_bias_forgotten]"),
    ),
    *faults(
        "mesh/names",
        ("found.append(below + isinstance(node, Exchanged))", "found.append(below)", f"{_SPREAD}::test_a_column_parallel_layer_and_a_row_parallel_one"),
        ("found[index] = min(wanted[index])", "found[index] = max(wanted[index])", f"{_SPREAD}::test_a_value_of_parts_that_follow_each_other"),
    ),
    *faults(
        "planner/padding",
        ("    problems += [_left(demand) for name in received for demand in demands[name]]\n", "", f"{_BAD}[mesh_padding_of_a_sum]"),
    ),
    *faults(
        "planner/resolve",
        ("        meshes.prove(mesh, stages, planned, graph, loaded)\n", "        pass\n", f"{_PROGRAMS}::test_every_plan_of_a_mesh_is_proven"),
    ),
    *faults(
        "analysis/meshes",
        ("if any(operand.terms for operand in operands):", "if False:", f"{_PROGRAMS}::test_a_sum_is_whole_before_anything_is_computed_of_it"),
        ("            if inputs[tensor].terms:", "            if False:", _broken("the bias before the sum")),
        ("if step.source not in known or step.target in known:", "if step.source not in known:", _broken("summed twice")),
        ("if len({piece.box for piece in own}) != 1 or not all(piece.terms for piece in own):", "if not all(piece.terms for piece in own):", _broken("batches summed")),
        ("if runs and term.start < runs[-1].end:", "if False:", f"{_PROGRAMS}::test_no_term_is_counted_twice"),
        ("if before.box[axis].end != after.box[axis].start:", "if False:", _broken("gathered in the other order")),
        ("if left[-1] != right[-2]:", "if False:", _broken("operands swapped")),
        ("        if len(spans) > 1:", "        if len(spans) > 9:", f"{_PROGRAMS}::test_a_tensor_that_lies_otherwise_is_found"),
        ("if piece.box != _declared(tensor, mesh, place):", "if False:", f"{_PROGRAMS}::test_a_tensor_that_lies_otherwise_is_found"),
        ("        if stored.get(tensor) != number:", "        if False:", _broken("another function")),
    ),
)  # fmt: skip
