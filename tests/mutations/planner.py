"""Faults in the planner and the patterns: each changes what is rendered, so that snapshots or tests of plans see it."""

from __future__ import annotations

from tests.mutations.fault import Fault, equivalent, faults

PLANNER: tuple[Fault, ...] = (
    *faults(
        "patterns/access",
        (
            "ReadBarrier(), *push(accesses))",
            "*push(accesses))",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
        (
            "        WriteBarrier(),\n        *pop(accesses),",
            "        *pop(accesses),",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
        (
            "        *wait(accesses),\n",
            "",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
        (
            "return (*reserve(accesses), ",
            "return (",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
        (
            "return tuple(Pop(cb=access.cb, pages=access.pages) for access in accesses)",
            "return tuple(Pop(cb=access.cb) for access in accesses)",
            "test_snapshots.py::test_rendered_files[add_columns]",
        ),
    ),
    *faults(
        "patterns/kernels",
        (
            "waits = [Wait(cb=cb) for cb in section.reads if cb not in waited]",
            "waits = [Wait(cb=cb) for cb in section.reads]",
            "test_snapshots.py::test_rendered_files[add_columns]",
        ),
        (
            "pack += [Push(cb=cb) for cb in streamed]",
            "pass",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
    ),
    *faults(
        "patterns/units",
        (
            'Let(name="y", index=Expr("%", line, GRID_Y)),',
            'Let(name="y", index=line),',
            "test_interpreter.py::test_rows_of_all_batches_in_one_shard_and_a_column_for_each",
        ),
        (
            "first_row, first_col = mul(Y, BLOCK_M), ",
            "first_row, first_col = mul(Y, BLOCK_N), ",
            "test_snapshots.py::test_rendered_files[add_columns]",
        ),
        (
            'sub(Var("Nt"), FIRST_COL)',
            'sub(Var("Mt"), FIRST_COL)',
            "test_snapshots.py::test_rendered_files[add_columns]",
        ),
        (
            'z = Let(name="z", index=floor_div(UNIT, batch_units))',
            'z = Let(name="z", index=floor_div(UNIT, GRID_X))',
            "test_snapshots.py::test_rendered_files[gemm_batched]",
        ),
        (
            'index=least(Var("panel_width"), sub(GRID_X, mul(panel, Var("panel_width"))))',
            'index=Var("panel_width")',
            "test_snapshots.py::test_rendered_files[mlp_up]",
        ),
        (
            '(fast, fast_size), (slow, slow_size) = (("x", GRID_X), ("y", GRID_Y))',
            '(fast, fast_size), (slow, slow_size) = (("y", GRID_X), ("x", GRID_Y))',
            "test_snapshots.py::test_rendered_files[add_l1]",
        ),
        (
            'Expr("%", over, slow_size) if batched else over',
            "over",
            "test_snapshots.py::test_rendered_files[dropout]",
        ),
    ),
    *faults(
        "patterns/contraction",
        (
            "extent=floor_div(BLOCK_N, _W), body=(sub_col, section)",
            "extent=floor_div(BLOCK_M, _W), body=(sub_col, section)",
            "test_snapshots.py::test_rendered_files[gemm_a_sharded]",
        ),
        (
            "Tile(b.cb, b.place(K, first_col))",
            "Tile(b.cb, b.place(first_col, K))",
            "test_snapshots.py::test_rendered_files[gemm_a_sharded]",
        ),
        (
            "pack_at = Pack(dst=add(mul(h, _W), w)",
            "pack_at = Pack(dst=add(mul(h, _H), w)",
            "test_snapshots.py::test_rendered_files[gemm_a_sharded]",
        ),
        (
            "AccumulateInL1(index=STEP)",
            "AccumulateInL1(index=ZERO)",
            "test_snapshots.py::test_rendered_files[gemm_a_sharded]",
        ),
    ),
    *faults(
        "patterns/pages",
        (
            '"grid_x": -(-nt // block.n),',
            '"grid_x": nt // block.n,',
            "test_snapshots.py::test_rendered_files[map_blocks]",
        ),
        (
            '"k_blocks": -(-kt // block.k),',
            '"k_blocks": kt // block.k,',
            "test_snapshots.py::test_rendered_files[gemm_a_sharded]",
        ),
        (
            "line = add(mul(batch, rows if tall else ONE), row if tall else ZERO)",
            "line = add(mul(batch, rows if tall else ONE), row)",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
    ),
    *faults(
        "patterns/configure",
        (
            "        cbs.reverse()\n",
            "        pass\n",
            "test_snapshots.py::test_rendered_files[attention_scores]",
        ),
        (
            '                state["sfpu"] = None\n',
            "                pass\n",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
        (
            "state.update(dict.fromkeys(inside))\n                yield",
            "yield",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
    ),
    *faults(
        "patterns/matmul",
        (
            "if block.m % h == 0 and block.n % w == 0",
            "if block.m % w == 0 and block.n % h == 0",
            "test_blocks.py::test_subblocks[block3-bfloat16-bfloat16-expected3]",
        ),
        (
            "    if _product(context).over.size % TILE == 0:\n",
            "    if True:\n",
            "test_snapshots.py::test_rendered_files[gemm_edges]",
        ),
        (
            "if tensor in context.made and not (both and tensor == left.tensor)",
            "if tensor in context.made",
            "test_stages.py::test_padding_between_stages",
        ),
    ),
    *faults(
        "planner/division",
        (
            "loop=RectangleLoop(x_step=across, y_step=down)",
            "loop=RectangleLoop(x_step=down, y_step=across)",
            "test_snapshots.py::test_rendered_files[gemm_edges]",
        ),
        (
            '"y_start": {core: y for core, (_x, y) in begins.items()},',
            '"y_start": {core: 0 for core, (_x, y) in begins.items()},',
            "test_snapshots.py::test_rendered_files[gemm_edges]",
        ),
        (
            "grid.x * grid.y * grid.z, most",
            "grid.x * grid.y, most",
            "test_snapshots.py::test_rendered_files[dropout]",
        ),
    ),
    *faults(
        "planner/cores",
        (
            "return index % cols, index // cols",
            "return index // cols, index % cols",
            "test_acceptance.py::test_core_index_to_coordinates",
        ),
        (
            "range(first, first + count)",
            "range(first, first + count - 1)",
            "test_acceptance.py::test_core_ranges[0-64-rectangles0]",
        ),
        (
            "start[0] == first and end == (last, y - 1)",
            "end == (last, y - 1)",
            "test_acceptance.py::test_core_ranges[5-20-rectangles2]",
        ),
    ),
    *faults(
        "planner/buffers",
        (
            "max(1, min(design.blocks, most.get",
            "max(2, min(design.blocks, most.get",
            "test_snapshots.py::test_rendered_files[add_columns]",
        ),
        (
            "index = first + count[first]",
            "index = first",
            "test_snapshots.py::test_rendered_files[adam]",
        ),
        (
            "if number > limit - first:",
            "if number > limit:",
            "test_limits.py::test_more_outputs_than_they_have_buffers",
        ),
    ),
    *faults(
        "planner/tensors",
        (
            "padded = (1, *shape) if len(shape) == 1 else shape",
            "padded = (*shape, 1) if len(shape) == 1 else shape",
            "test_acceptance.py::test_tiles_and_padding[shape5-tiles5-padded5]",
        ),
    ),
    equivalent(
        "planner/tensors",
        "return held * (-(-page_bytes // alignment) * alignment)",
        "return held * page_bytes",
        "tiles of every format are a multiple of every alignment",
    ),
    *faults(
        "planner/padding",
        (
            "if content == ZERO or (",
            "if isinstance(content, Known) or (",
            "test_padding.py::test_not_zero[exp(X)-expected0]",
        ),
        (
            "axis = matrix(value.axes)[-1 - demand.along]",
            "axis = matrix(value.axes)[demand.along]",
            "test_padding.py::test_not_zero[X + c-finite]",
        ),
        (
            "zero = len(made) == len(operands) == 2 and side == 0",
            "zero = False",
            "test_bad_specs.py::test_message[scratch_padding_not_zero]",
        ),
        (
            "along = side if not product.transposed[side] else 1 - side",
            "along = 0",
            "test_stages.py::test_padding_through_stages",
        ),
        (
            '        if stage.tensors[name].role != "input":\n            demands[name].append(',
            "        if False:\n            demands[name].append(",
            "test_stages.py::test_padding_through_stages",
        ),
    ),
    *faults(
        "formula/stages",
        (
            "for home in sorted(homes, reverse=True)",
            "for home in sorted(homes)",
            "test_stages.py::test_where_formulas_are_cut[formulas7-shapes7-expected7]",
        ),
        (
            "any(self.reaches(other, home) for other in homes - {home})",
            "any(self.reaches(home, other) for other in homes - {home})",
            "test_stages.py::test_where_formulas_are_cut[formulas17-shapes17-expected17]",
        ),
        (
            "and (place or index in self.cutter.homes)",
            "",
            "test_stages.py::test_where_formulas_are_cut[formulas11-shapes11-expected11]",
        ),
        (
            "known = dict(dtypes)",
            'known = dict.fromkeys(dtypes, "bfloat16")',
            "test_stages.py::test_dtypes_between_stages",
        ),
    ),
    *faults(
        "planner/schedule",
        (
            "min(side, max(limit, 1)) for side",
            "side for side",
            "test_stages.py::test_a_schedule_of_a_stages_own",
        ),
    ),
    *faults(
        "planner/resolve",
        (
            "lying = [other.stage.tensors.get(tensor.name, tensor) for tensor in stored]",
            "lying = list(other.stage.tensors.values())",
            "test_stages.py::test_what_lies_in_l1_counts_in_every_program",
        ),
        (
            'padding="zero" if tensor in zeros else need',
            "padding=need",
            "test_stages.py::test_padding_through_stages",
        ),
    ),
    *faults(
        "planner/l1",
        (
            "if found.total <= limit:",
            "if found.buffers <= limit:",
            "test_l1.py::test_to_the_last_page",
        ),
        (
            "if buffer.tensor is None and buffer.lies_in is None",
            "if buffer.lies_in is None",
            "test_snapshots.py::test_rendered_files[add_columns]",
        ),
        (
            "if buffer.tensor is None and buffer.lies_in is None",
            "if buffer.tensor is None",
            "test_snapshots.py::test_rendered_files[gemm_prime]",
        ),
    ),
    *faults(
        "planner/least_units",
        (
            "latency = rates.ahead_latency",
            "latency = rates.read_latency",
            "test_search.py::test_no_schedule_takes_less_than_its_least[product_of_products]",
        ),
        (
            "steps + 1, longest,",
            "steps + 2, longest,",
            "test_search.py::test_no_schedule_takes_less_than_its_least[gemm_uneven]",
        ),
    ),
    *faults(
        "planner/least",
        (
            "self.limits.k / (2 * split - 1), split - 1",
            "self.limits.k, split - 1",
            "test_search.py::test_no_schedule_takes_less_than_its_least[gemm_skinny]",
        ),
        (
            "max(dram.beside, *dram.read) / max(dram.read[noc], dram.read_page[noc])",
            "2 * max(dram.beside, *dram.read) / max(dram.read[noc], dram.read_page[noc])",
            "test_search.py::test_no_schedule_takes_less_than_its_least[gemm_skinny]",
        ),
    ),
    *faults(
        "planner/queue",
        (
            "units.cycles(k, ahead=ahead, buffers=buffers)",
            "units.cycles(1, ahead=ahead, buffers=buffers)",
            "test_search.py::test_finds_the_best_of_all",
        ),
    ),
    *faults(
        "planner/resolve",
        (
            "target, held=held)",
            "target)",
            "test_search.py::test_other_stages_tensors_take_l1_too",
        ),
    ),
    *faults(
        "planner/arguments",
        (
            'target.noc.read if design.noc == "read" else target.noc.write',
            'target.noc.write if design.noc == "read" else target.noc.read',
            "test_snapshots.py::test_rendered_files[adam]",
        ),
    ),
)
