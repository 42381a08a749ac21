"""Faults in programs that reduce: in what is reduced, in the walks along lines, and in parts of lines."""

from __future__ import annotations

from tests.mutations.fault import Fault, faults

_ROWS = "test_rows.py"
_RENDERED = "test_snapshots.py::test_rendered_files"
_BAD = "test_bad_specs.py::test_message"
_COLUMNS = "verify/test_columns.py"
_INPUTS = "verify/test_inputs.py::test_lines_that_are_hard_to_reduce"

ROWS: tuple[Fault, ...] = (
    *faults(
        "formula/infer",
        ("self.number(1 / size, span)", "self.number(1 / shape[-1], span)", f"{_ROWS}::test_numpy_agrees"),
        ("for axis in reversed(axes):", "for axis in axes[:1]:", f"{_ROWS}::test_axes[Y = sum(X, keepdims=True)-1x1x1-3]"),
        ("if axis % rank == other % rank:", "if axis == other:", f"{_BAD}[reduce_axis_twice]"),
    ),
    *faults(
        "formula/reductions",
        ('("sub", (x, builder.reduction("max", x, axis, span)), span)', '("sub", (x, builder.reduction("min", x, axis, span)), span)', f"{_ROWS}::test_writing_a_function_out_gives_the_same_program"),
        ("eps=1e-5", "eps=1e-6", f"{_ROWS}::test_writing_a_function_out_gives_the_same_program"),
        ('("mean", builder.elementwise("mul", (x, x), span)', '("sum", builder.elementwise("mul", (x, x), span)', f"{_ROWS}::test_numpy_agrees"),
    ),
    *faults(
        "patterns/passes",
        ('"max": -math.inf,', '"max": 0.0,', f"{_ROWS}::test_padding_is_no_extreme"),
        ('"min": math.inf', '"min": 0.0', f"{_ROWS}::test_padding_is_no_extreme"),
        ("and not self.is_ragged else \"fold\"", 'else "fold"', f"{_ROWS}::test_padding_is_no_extreme"),
        ("and not alone else", "else", f"{_ROWS}::test_lines_of_one_ragged_tile"),
        ("if len(walks) > 1:", "if walks:", f"{_RENDERED}[log_softmax_split]"),
        ("if self.keep != \"values\":", "if self.keep == \"nothing\":", f"{_ROWS}::test_what_is_asked_for_stays"),
        ("if right not in known:", "if True:", f"{_ROWS}::test_one_reciprocal_serves_all_that_are_divided"),
        ("self.axis.size % TILE != 0", "self.axis.size > TILE", f"{_RENDERED}[softmax]"),
    ),
    *faults(
        "patterns/spreading",
        ("_LEFT_OVER if index in beside else (0.0,)", "_LEFT_OVER if index in beside else (1.0,)", f"{_COLUMNS}::test_what_is_beside_a_column[1 / c-False]"),
        ("_LEFT_OVER if index in beside else (0.0,)", "(0.0,)", f"{_COLUMNS}::test_what_is_beside_a_column[exp(max(X, axis=-1, keepdims=True))-False]"),
        ("if made_of == {\"again\"}:", "if \"again\" in made_of:", f"{_COLUMNS}::test_what_is_beside_a_column[c - sum(tanh(X), axis=-1, keepdims=True)-False]"),
        ("\"finite\" if tensor in made else \"zero\"", "\"any\"", f"{_COLUMNS}::test_what_is_asked_of_padding"),
    ),
    *faults(
        "patterns/along",
        ("return _WHOLE_TILES if context.split > 1 else sub(KT, ONE)", "return _WHOLE_TILES if context.split > 1 else KT", f"{_ROWS}::test_padding_is_no_extreme"),
        ("floor_div(sub(PART_TILES, ONE), BLOCK_K) if", "floor_div(PART_TILES, BLOCK_K) if", f"{_ROWS}::test_parts_of_lines"),
        ("mul(PART, _K_BLOCKS), PARTS), BLOCK_K))", "mul(PART, _K_BLOCKS), PARTS), ONE))", f"{_ROWS}::test_parts_of_lines"),
        ("may_be_empty=apart, note=note))", "note=note))", f"{_RENDERED}[cross_entropy]"),
        ("right=sub(PARTS, ONE), then=body", "right=PARTS, then=body", f"{_ROWS}::test_parts_of_lines"),
    ),
    *faults(
        "patterns/folds",
        ("reduce(ZERO), reduce(ONE) if is_ragged else None", "reduce(ZERO), None", f"{_RENDERED}[min_max]"),
        ("dst=dst)\n                return (*builder.ops, folded)", "dst=Const(result))\n                return (*builder.ops, folded)", f"{_ROWS}::test_padding_is_no_extreme"),
    ),
    *faults(
        "patterns/reducing",
        ('if way == "tiles":', 'if way == "products":', f"{_RENDERED}[softmax]"),
        ("builder.written |= written", "pass", f"{_ROWS}::test_lines_of_one_ragged_tile"),
        ("elif passes.line != \"batch\":", "elif True:", f"{_RENDERED}[batch_softmax]"),
        ("moves and walks[-1:] == [number]", "moves and walks[:1] == [number]", f"{_RENDERED}[softmax]"),
    ),
    *faults(
        "patterns/configure",
        ("if statement.may_be_empty:", "if False:", f"{_RENDERED}[cross_entropy]"),
    ),
    *faults(
        "patterns/held",
        ("slot = k if self.streams", "slot = place if self.streams", f"{_RENDERED}[log_softmax]"),
    ),
    *faults(
        "analysis/dst",
        ("if masked:", "if False:", "test_proofs.py::test_fault_is_found[a reduction that isn't undone]"),
    ),
    *faults(
        "planner/candidate",
        ("sorted({depth, 1})[::-1]", "sorted({depth, 1})", f"{_ROWS}::test_a_row_comes_while_another_is_worked_on_where_two_fit"),
        ("for what in KEEPS if", "for what in KEEPS[1:] if", f"{_ROWS}::test_what_fits_stays"),
    ),
    *faults(
        "planner/division",
        ("group % across * wide + rank % wide", "group % across + rank % wide * across", f"{_ROWS}::test_parts_of_lines"),
        ("fit <= steps]", "True]", f"{_BAD}[reduce_split_beyond_few_cores]"),
    ),
    *faults(
        "planner/padding",
        ("if keeps and value.axes[-1 - along] == axis:", "if False:", f"{_BAD}[reduce_bfloat8_column]"),
    ),
    *faults(
        "planner/resolve",
        ('if made.context.graph.reduced is not None and keep.value not in ("auto", "nothing"):', "if False:", f"{_BAD}[reduce_row_beyond_l1]"),
        ("range(split.value + 1, target.grid.cores + 1)", "range(split.value + 2, target.grid.cores + 1)", f"{_BAD}[reduce_row_beyond_l1_inputs]"),
    ),
    *faults(
        "verify/inputs",
        ("np.full(values.shape, -min(_LOW, scale))", "ordinary", _INPUTS),
        ("np.sort(ordinary, axis)", "np.sort(ordinary)", _INPUTS),
        ("value.axes.index(reduction.over) - len(value.axes)", "-1", _INPUTS),
        ("(1 - place % 2 * 2)", "(1 - place % 3)", _INPUTS),
    ),
    *faults(
        "verify/flow",
        ("else self.parts_packed[own][page]", "else self.parts_packed[own][-1]", "verify/test_rows.py::test_each_of_several_values_of_parts_is_its_own"),
    ),
)  # fmt: skip
