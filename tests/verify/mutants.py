"""Single-line faults in rendered programs, and the names that they have to be caught by: the table of docs/verify.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ttgen
from ttgen.model.artifact import Artifact

SPECS = Path(__file__).resolve().parents[2] / "specs"


@cache
def rendered(spec: str) -> tuple[Artifact, ...]:
    """What is rendered for a spec."""
    return ttgen.render(ttgen.plan(ttgen.load(SPECS / f"{spec}.yaml")))


@dataclass(frozen=True)
class Mutant:
    """A text of one file that is replaced, once."""

    what: str
    spec: str
    file: str
    old: str
    new: str
    name: str
    """Of the first finding."""

    def files(self) -> tuple[Artifact, ...]:
        """The rendered files, one of them with the fault."""
        return tuple(self._changed(file) for file in rendered(self.spec))

    def _changed(self, file: Artifact) -> Artifact:
        if self.file not in (file.path, file.path.split("/", 1)[1]):
            return file
        assert self.old in file.text, f"{file.path} has no {self.old}"
        return Artifact(file.path, file.text.replace(self.old, self.new, 1))


def _m(what: str, spec: str, file: str, old: str, new: str, name: str) -> Mutant:
    hosts = {"plan": "host/program.cpp", "main": "host/main.cpp", "host": "host/tensor_io.cpp"}
    path = hosts.get(file, f"kernels/{file}.cpp")
    return Mutant(what, spec, path, old, new, name)


_ZEROS = """    for (uint32_t word = 0; word < get_tile_size(cb_zeros) / sizeof(uint32_t); ++word) {
        zeros_words[word] = 0;
    }
    // Other engines may see a store late, but not one that was read back.
    while (zeros_words[get_tile_size(cb_zeros) / sizeof(uint32_t) - 1] != 0) {
    }
"""

MUTANTS = (
    # Movement.
    _m("reader: no read barrier", "gemm", "reader", "noc_async_read_barrier();", "", "read-before-barrier"),
    _m("reader: no barrier before the row is pushed", "mlp_up", "reader",
       "get_write_ptr(cb_b));\n        noc_async_read_barrier();", "get_write_ptr(cb_b));", "read-before-barrier"),
    _m("writer: no write barrier", "gemm", "writer", "noc_async_write_barrier();", "", "write-not-flushed"),
    _m("reader: a page of another column", "gemm", "reader", "k * Nt + x", "k * Nt + y", "wrong-numbers"),
    _m("reader: rows and columns of pages swapped", "linear_relu", "reader", "y * Kt + k", "k * Kt + y",
       "wrong-numbers"),
    _m("reader: pages past the end of a tensor", "gemm_uneven", "reader", "k * Nt + x", "k * Nt + x + 1000", "out-of-range"),
    _m("reader: the wrong row of a broadcast", "linear_relu", "reader", "noc_async_read_page(x, bias",
       "noc_async_read_page(0, bias", "wrong-numbers"),
    _m("reader: one batch's vector for all", "scale_shift", "reader", "z * grid_x + x", "x", "wrong-numbers"),
    _m("reader: a read is forgotten", "add", "reader", "noc_async_read_page(unit, B_tensor, get_write_ptr(cb_B));", "",
       "uninitialised-data"),
    _m("reader: read into another buffer's page", "add", "reader", "B_tensor, get_write_ptr(cb_B)",
       "B_tensor, get_write_ptr(cb_A)", "uninitialised-data"),
    _m("reader: read beyond the reserved page", "gemm", "reader", "get_write_ptr(cb_A));", "get_write_ptr(cb_A) + 2048);",
       "cb-write-unreserved"),
    _m("writer: always the first unit's page", "add", "writer", "noc_async_write_page(unit,",
       "noc_async_write_page(unit_start,", "output-coverage"),
    _m("writer: the page after", "gemm", "writer", "noc_async_write_page(unit,", "noc_async_write_page(unit + 1,",
       "out-of-range"),
    _m("writer: the wrong order of units", "gemm_batched", "writer", "(z * Mt + y) * Nt + x", "(z * Mt + x) * Nt + y",
       "output-coverage"),
    # Circular buffers.
    _m("reader: a push is forgotten", "gemm", "reader", "cb_push_back(cb_B, 1);", "", "hang"),
    _m("reader: a reserve is forgotten", "gemm", "reader", "cb_reserve_back(cb_A, 1);", "", "cb-write-unreserved"),
    _m("compute: a pop is forgotten", "gemm", "compute", "cb_pop_front(cb_A, 1);", "", "hang"),
    _m("compute: the last pop is forgotten", "scale_shift", "compute", "    }\n    cb_pop_front(cb_zeros, 1);", "    }",
       "cb-not-drained"),
    _m("compute: a wait is forgotten", "gemm", "compute", "cb_wait_front(cb_B, 1);", "", "cb-read-unwaited"),
    _m("compute: a wait for two pages", "linear_relu", "compute", "cb_wait_front(cb_bias, 1);",
       "cb_wait_front(cb_bias, 2);", "hang"),
    _m("compute: a reserve of the output is forgotten", "gemm", "compute", "cb_reserve_back(cb_C, 1);", "",
       "cb-write-unreserved"),
    _m("compute: a push of the output is forgotten", "gemm", "compute", "cb_push_back(cb_C, 1);", "", "hang"),
    _m("writer: a wait is forgotten", "gemm", "writer", "cb_wait_front(cb_C, 1);", "", "cb-read-unwaited"),
    _m("writer: a pop is forgotten", "add", "writer", "cb_pop_front(cb_C, 1);", "", "hang"),
    _m("writer: two pages popped", "add", "writer", "cb_pop_front(cb_C, 1);", "cb_pop_front(cb_C, 2);", "cb-pop-unwaited"),
    _m("compute: too many pages waited for", "gemm", "compute", "cb_wait_front(cb_A, 1);", "cb_wait_front(cb_A, 3);",
       "cb-underflow"),
    _m("plan: a buffer without a page", "dropout", "plan", "cb_X, tt::DataFormat::Float16_b, /*pages=*/2",
       "cb_X, tt::DataFormat::Float16_b, /*pages=*/0", "cb-overflow"),
    _m("plan: a buffer too large for L1", "gemm", "plan", "cb_A, tt::DataFormat::Float16_b, /*pages=*/2",
       "cb_A, tt::DataFormat::Float16_b, /*pages=*/800", "overlap"),
    _m("plan: the wrong format of a buffer", "gemm", "plan", "cb_C, tt::DataFormat::Float16_b, /*pages=*/1, /*page_bytes=*/2048",
       "cb_C, tt::DataFormat::Float32, /*pages=*/1, /*page_bytes=*/4096", "wrong-numbers"),
    _m("plan: the wrong format of a block float's buffer", "gemm_bfp4", "plan",
       "cb_W, tt::DataFormat::Bfp4_b, /*pages=*/2, /*page_bytes=*/576",
       "cb_W, tt::DataFormat::Bfp8_b, /*pages=*/2, /*page_bytes=*/1088", "uninitialised-data"),
    _m("plan: a buffer that meets tensors in L1", "add_l1", "plan", "cb_A, tt::DataFormat::Float16_b, /*pages=*/2",
       "cb_A, tt::DataFormat::Float16_b, /*pages=*/672", "overlap"),
    _m("plan: the wrong index of a buffer", "gemm", "plan", '{"cb_C", cb_C}, {"Kt"', '{"cb_C", 17}, {"Kt"',
       "cb-missing"),
    # Compute.
    _m("compute: no hardware startup", "gemm", "compute", "compute_kernel_hw_startup<SrcOrder::Reverse>(cb_A, cb_B, cb_C);",
       "", "missing-hw-startup"),
    _m("compute: startup after the first init", "gemm", "compute",
       "compute_kernel_hw_startup<SrcOrder::Reverse>(cb_A, cb_B, cb_C);\n    matmul_init(cb_A, cb_B);",
       "matmul_init(cb_A, cb_B);\n    compute_kernel_hw_startup<SrcOrder::Reverse>(cb_A, cb_B, cb_C);",
       "missing-hw-startup"),
    _m("compute: no init of the product", "linear_relu", "compute", "matmul_init(cb_X, cb_W);", "", "missing-init"),
    _m("compute: no init of a copy", "mlp_up", "compute", "copy_init(cb_b);", "", "missing-init"),
    _m("compute: no init for the other way to DST", "rectangle", "compute", "copy_init(cb_scale);", "", "missing-init"),
    _m("compute: no init of a function", "normalize", "compute", "rsqrt_tile_init();", "", "missing-init"),
    _m("compute: a function's init for its approximation", "gelu_height", "compute", "gelu_tile_init<false>();",
       "gelu_tile_init<true>();", "init-mode"),
    _m("compute: a function's approximation", "gelu_height", "compute", "gelu_tile<false>(0);", "gelu_tile<true>(0);",
       "init-mode"),
    _m("compute: where for 16-bit DST", "attention_scores", "compute", "where_tile<DataFormat::Float32>",
       "where_tile<DataFormat::Float16_b>", "dst-format"),
    _m("compute: where for 32-bit DST", "dropout", "compute", "where_tile<DataFormat::Float16_b>",
       "where_tile<DataFormat::Float32>", "dst-format"),
    _m("compute: a condition of -0.0 counts as true", "dropout", "compute", "abs_tile(1);", "", "wrong-numbers"),
    _m("compute: no init of where", "dropout", "compute", "where_tile_init();", "", "missing-init"),
    _m("compute: no reconfiguration to float32", "normalize", "compute", "reconfig_data_format_srca(cb_X, cb_mean);", "",
       "format-not-configured"),
    _m("compute: no reconfiguration back", "normalize", "compute", "reconfig_data_format_srca(cb_variance, cb_gamma);", "",
       "format-not-configured"),
    _m("compute: operands of the product swapped", "linear_relu", "compute", "matmul_tiles(cb_X, cb_W, 0, 0, 0);",
       "matmul_tiles(cb_W, cb_X, 0, 0, 0);", "wrong-numbers"),
    _m("compute: a tile that isn't waited for", "gemm", "compute", "matmul_tiles(cb_A, cb_B, 0, 0, 0);",
       "matmul_tiles(cb_A, cb_B, 1, 0, 0);", "cb-read-unwaited"),
    _m("compute: products into one slot, another is packed", "gemm", "compute", "pack_tile(0, cb_C);", "pack_tile(1, cb_C);",
       "dst-unwritten"),
    _m("compute: a slot beyond DST", "gemm", "compute", "matmul_tiles(cb_A, cb_B, 0, 0, 0);",
       "matmul_tiles(cb_A, cb_B, 0, 0, 8);", "dst-out-of-range"),
    _m("compute: a slot that holds something else", "adam", "compute", "div_binary_tile(2, 3, 2);",
       "div_binary_tile(3, 2, 2);", "wrong-numbers"),
    _m("compute: the wrong output is packed", "adam", "compute", "pack_tile(1, cb_next_v);", "pack_tile(0, cb_next_v);",
       "wrong-numbers"),
    _m("compute: one product too many", "gemm", "compute", "k < Kt; ++k", "k < Kt + 1; ++k", "hang"),
    _m("compute: a product twice", "gemm", "compute", "matmul_tiles(cb_A, cb_B, 0, 0, 0);",
       "matmul_tiles(cb_A, cb_B, 0, 0, 0);\n            matmul_tiles(cb_A, cb_B, 0, 0, 0);", "counters"),
    _m("compute: the result of a product isn't zero before it", "scale_shift", "compute",
       "mul_tiles_bcast_cols(cb_X, cb_scale, 0, 0, 0);",
       "mul_tiles_bcast_cols(cb_X, cb_scale, 0, 0, 0);\n        mul_tiles_bcast_cols(cb_X, cb_scale, 0, 0, 0);",
       "dst-not-zero"),
    _m("compute: a row instead of a column", "normalize", "compute", "sfpu_sub_bcast_col(0, 1);",
       "sfpu_sub_bcast_row(0, 1);", "missing-init"),
    _m("compute: no acquire", "gemm", "compute", "tile_regs_acquire();", "", "dst-outside-section"),
    _m("compute: no commit", "gemm", "compute", "tile_regs_commit();", "", "hang"),
    _m("compute: no wait for DST", "gemm", "compute", "tile_regs_wait();", "", "dst-outside-section"),
    _m("compute: no release", "gemm_uneven", "compute", "tile_regs_release();", "", "dst-outside-section"),
    _m("compute: no pack", "gemm", "compute", "pack_tile(0, cb_C);", "", "cb-push-unwritten"),
    _m("compute: a function left out", "mlp_up", "compute", "gelu_tile<false>(0);", "", "wrong-numbers"),
    _m("compute: a value too many in the sum", "normalize", "compute", "add_unary_tile(1, number);",
       "add_unary_tile(1, number + 0x100000);", "wrong-numbers"),
    # Padding, zeros and arguments.
    _m("host: no zeros in the padding of K", "gemm_ragged", "host",
       "poison_ && !tensor.needs_zero_padding ? poison : 0.0f", "poison", "wrong-numbers"),
    _m("host: no zeros in the padding of block floats", "add_l1", "host",
       "poison_ && !tensor.needs_zero_padding ? poison : 0.0f", "poison", "wrong-numbers"),
    _m("host: padding of a block float that may be anything", "gemm_bfp8_gelu", "main", "/*needs_zero_padding=*/true",
       "/*needs_zero_padding=*/false", "wrong-numbers"),
    _m("reader: the tile of zeros isn't filled, nor awaited", "scale_shift", "reader", _ZEROS, "", "uninitialised-data"),
    _m("reader: the tile of zeros isn't read back", "scale_shift", "reader", "while (zeros_words[", "while (false && zeros_words[",
       "store-not-read-back"),
    _m("reader: the first word of the tile of zeros is read back", "scale_shift", "reader",
       "while (zeros_words[get_tile_size(cb_zeros) / sizeof(uint32_t) - 1] != 0)", "while (zeros_words[0] != 0)",
       "store-not-read-back"),
    _m("reader: the tile of zeros is half filled", "scale_shift", "reader",
       "for (uint32_t word = 0; word < get_tile_size(cb_zeros)", "for (uint32_t word = 256; word < get_tile_size(cb_zeros)",
       "uninitialised-data"),
    _m("reader: runtime arguments in the wrong order", "add", "reader", "unit_start_arg,\n        unit_count_arg,",
       "unit_count_arg,\n        unit_start_arg,", "hang"),
    _m("compute: a runtime argument that isn't set", "gemm", "compute", "get_arg_val<uint32_t>(unit_count_arg)",
       "get_arg_val<uint32_t>(unit_count_arg + 1)", "runtime-arg-out-of-range"),
    _m("reader: addresses in the wrong order", "linear_relu", "reader", "X_address,\n        W_address,",
       "W_address,\n        X_address,", "out-of-range"),
    _m("plan: a core does its neighbour's unit", "gemm", "plan", "{8, 9, 10, 11, 12, 13, 14, 15},",
       "{8, 9, 10, 10, 12, 13, 14, 15},", "output-coverage"),
    _m("plan: the wrong K", "gemm", "plan", '{"Kt", 8},\n                {"grid_x"', '{"Kt", 7},\n                {"grid_x"', "hang"),
    _m("plan: the wrong fidelity", "gemm", "plan", "MathFidelity::HiFi3", "MathFidelity::LoFi", "wrong-numbers"),
    _m("plan: 16-bit DST", "gemm", "plan", "fp32_dest_acc_en = true", "fp32_dest_acc_en = false", "wrong-numbers"),
    # Blocks and rectangles.
    _m("compute: a subblock's rows taken from its columns", "gemm_edges", "compute", "sub_row * block_k + k", "sub_col * block_k + k", "wrong-numbers"),
    _m("compute: the first step adds to what was there", "gemm_blocks", "compute", "pack_reconfig_l1_acc(step > 0);", "pack_reconfig_l1_acc(1);", "uninitialised-data"),
    _m("compute: every step overwrites the one before", "gemm_blocks", "compute", "pack_reconfig_l1_acc(step > 0);", "pack_reconfig_l1_acc(0);", "wrong-numbers"),
    _m("compute: the packer goes on adding", "gemm_blocks", "compute", "pack_reconfig_l1_acc(0);", "", "uninitialised-data"),
    _m("reader: columns beyond the edge", "gemm_edges", "reader", "std::min(block_n, Nt - first_col)", "block_n", "out-of-range"),
    _m("writer: columns beyond the edge", "gemm_edges", "writer", "std::min(block_n, Nt - first_col)", "block_n", "out-of-range"),
    _m("compute: the last step as deep as the others", "gemm_prime", "compute", "std::min(block_k, Kt - first_k)", "block_k", "uninitialised-data"),
    _m("reader: the last step as deep as the others", "gemm_prime", "reader", "std::min(block_k, Kt - first_k)", "block_k", "out-of-range"),
    _m("compute: the wrong stride of a block", "gemm_blocks", "compute", "subblock_h, block_k);\n                    }", "subblock_h, block_n);\n                    }", "missing-init"),
    _m("compute: one column of a subblock packed over another", "gemm_blocks", "compute", "cb_product, slot + w);", "cb_product, slot);", "uninitialised-data"),
    _m("compute: packed in order", "gemm_edges", "compute", "pack_tile</*out_of_order=*/true>", "pack_tile", "cb-write-unreserved"),
    _m("reader: the pages of an edge pushed only", "gemm_edges", "reader", "cb_push_back(cb_B, block_k * block_n);", "cb_push_back(cb_B, block_k * cols);", "cb-write-unreserved"),
    _m("plan: the partial sums a page short", "gemm_blocks", "plan", "Float32, /*pages=*/16", "Float32, /*pages=*/15", "cb-overflow"),
    _m("plan: the reader's step of a rectangle", "rectangle", "plan", '{"x_step", 13}', '{"x_step", 12}', "wrong-numbers"),
    _m("compute: tiles of the right operand not transposed", "gemm_prime", "compute", "matmul_block_init(cb_X, cb_W, /*transpose=*/1", "matmul_block_init(cb_X, cb_W, /*transpose=*/0", "wrong-numbers"),
    _m("compute: no init of the product of blocks", "gemm_edges", "compute", "matmul_block_init(cb_A, cb_B, /*transpose=*/0, subblock_w, subblock_h, block_k);", "", "missing-init"),
    _m("compute: the first tile of a column for all rows", "map_blocks", "compute", "copy_tile(cb_col, row, 1);", "copy_tile(cb_col, 0, 1);", "wrong-numbers"),
    _m("compute: the epilogue reads the product by columns", "gemm_prime", "compute", "copy_tile(cb_product, row * block_n + col, 0);", "copy_tile(cb_product, col * block_n + row, 0);", "wrong-numbers"),
    _m("reader: the slots of a block by columns", "map_blocks", "reader", "(row * block_n + col)", "(col * block_m + row)", "uninitialised-data"),
    # The compiler.
    _m("reader: a statement that isn't C++", "tile", "reader", "noc_async_read_barrier();", "noc_async_read_barrier()",
       "kernel-compile-failed"),
    # Shards.
    _m("compute: a shard's stride off by one", "add_columns", "compute", "cb_Y, (shard_row + row) * shard_n",
       "cb_Y, (shard_row + row) * (shard_n - 1)", "output-coverage"),
    _m("compute: rows of the first unit of a shard", "gemm_a_sharded", "compute", "(shard_row + sub_row) * Kt",
       "sub_row * Kt", "wrong-numbers"),
    _m("compute: columns of the first unit of a shard", "gemm_residual", "compute",
       "cb_X_tile, (shard_row + row) * shard_n + shard_col", "cb_X_tile, (shard_row + row) * shard_n", "wrong-numbers"),
    _m("compute: adds to what nothing was packed to", "gemm_c_sharded", "compute", "pack_reconfig_l1_acc(step > 0)",
       "pack_reconfig_l1_acc(1)", "output-coverage"),
    _m("compute: a tile of a shard isn't packed", "gemm_c_sharded", "compute", "h < subblock_h", "h < subblock_h - 1",
       "output-coverage"),
    _m("compute: the last row of the shard only", "gemm_batched_sharded", "compute", "y_trip * shard_n + x_trip",
       "x_trip", "output-coverage"),
    _m("reader: a shard isn't handed over", "gelu_height", "reader", "cb_push_back(cb_X, shard_m * shard_n);", "", "hang"),
    _m("reader: a vector's batch of the core's first row", "gemm_batched_sharded", "reader", "line / grid_y", "y_start / grid_y",
       "wrong-numbers"),
    _m("plan: shards along the other axis of cores", "add_columns", "plan", "COL_MAJOR", "ROW_MAJOR", "wrong-numbers"),
    _m("plan: a buffer on another tensor's shards", "gelu_height", "plan", "2048, tensors.Y", "2048, tensors.X", "output-coverage"),
    _m("plan: a buffer beside its shard", "gelu_height", "plan", ", tensors.X", "", "uninitialised-data"),
    _m("plan: a core writes its neighbour's rows", "gemm_a_sharded", "plan", "{0, 2, 4,", "{0, 4, 4,", "output-coverage"),
    _m("plan: a bank's columns made twice", "gemm_skinny", "plan", "{1, 0, 0, 0, 4,", "{1, 0, 0, 0, 3,", "output-coverage"),
    _m("plan: a buffer on cores without a shard", "gelu_height", "plan", ".grid = {8, 8}",
       ".grid = {8, 4}", "host-error"),
    # Several programs.
    _m("plan: the second program first", "mlp", "plan", "create_H(tensors));\n    workloads[1].add_program(everywhere, create_Y(",
       "create_Y(tensors));\n    workloads[1].add_program(everywhere, create_H(", "uninitialised-data"),
    _m("plan: the first program's tensor instead of its result", "mlp", "plan", ".tensors = {tensors.H, tensors.W2, tensors.X}",
       ".tensors = {tensors.X, tensors.W2, tensors.X}", "out-of-range"),
    _m("compute: a function of the first program left out", "mlp", "H/compute", "gelu_tile<false>(0);", "", "wrong-numbers"),
    _m("reader: what lies between, of another row", "mlp", "Y/reader", "y * Kt + k, H_tensor", "k, H_tensor", "wrong-numbers"),
)  # fmt: skip


def table() -> Iterator[str]:
    """The table of docs/verify.md."""
    yield "| fault | where | caught as |"
    yield "|---|---|---|"
    for mutant in MUTANTS:
        yield f"| {mutant.what} | `{mutant.spec}`, `{mutant.file}` | `{mutant.name}` |"
