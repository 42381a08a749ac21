"""Faults in what cores have to do with each other: multicasts, signals, and sums that go from core to core."""

from __future__ import annotations

from tests.verify.mutant import fault as _m

# The one multicast of rows of A, and the announcement that follows it.
_CAST = """                    noc_async_write_multicast(
                        get_write_ptr(cb_A),
                        get_noc_multicast_addr(
                            noc_x(0), noc_y(core_y), noc_x(core_cols - 1), noc_y(core_y),
                            get_write_ptr(cb_A)),
                        block_m * block_k * get_tile_size(cb_A), core_cols - 1);
                    noc_async_writes_flushed();
"""
_STORE = """                    noc_semaphore_set(a_arrived, round + 1);
"""
_READ_BACK = """                    // The NoC may see a store late, but not one that was read back.
                    noc_semaphore_wait_min(a_arrived, round + 1);
"""
_TELL = """                    noc_semaphore_set_multicast(
                        get_semaphore(sem_a_arrived),
                        get_noc_multicast_addr(
                            noc_x(0), noc_y(core_y), noc_x(core_cols - 1), noc_y(core_y),
                            get_semaphore(sem_a_arrived)),
                        core_cols - 1);
                    noc_async_writes_flushed();
"""
_ANNOUNCE = _STORE + _READ_BACK + _TELL
_FLUSHED = "                    noc_async_writes_flushed();\n"
_SIGNAL = """                    noc_semaphore_inc(
                        get_noc_addr(noc_x(sender), noc_y(core_y), get_semaphore(sem_a_ready)), 1);
"""
_HEARD = "                    noc_semaphore_wait_min(a_ready, (round / core_cols + 1) * (core_cols - 1));\n"
_READY = "(round / core_cols + 1) * (core_cols - 1)"
_RESERVE = "                cb_reserve_back(cb_A, block_m * block_k);\n"
_AWAIT = "                    noc_semaphore_wait_min(a_arrived, round + 1);\n                }"
# A receiver's round with the signal first: what follows is the sender's.
_EARLY = "                if (sender != core_x) {\n" + _SIGNAL + "                }\n"
_RECEIVED = """                if (sender != core_x) {
                    noc_semaphore_wait_min(a_arrived, round + 1);
                    cb_push_back(cb_A, block_m * block_k);
                    continue;
                }
"""
_SENDS = "                if (sender == core_x) {\n"
_LAST = "    noc_async_write_barrier();\n    noc_async_atomic_barrier();\n"
_WRITE = "            noc_async_write(\n"
_SIGNALLED = """            noc_semaphore_inc(
                get_noc_addr(noc_x(core_x), noc_y(core_y - part * core_rows), get_semaphore(sem_k_arrived)), 1);
"""
_SENT = "            noc_async_write_barrier();\n" + _SIGNALLED
_RESERVE_SUMS = "            cb_reserve_back(cb_partials, (parts - 1) * block_m * block_n);\n"
_ROOM = """                noc_semaphore_inc(
                    get_noc_addr(noc_x(core_x), noc_y(core_y + (other + 1) * core_rows), get_semaphore(sem_k_room)), 1);
"""

# On 4x4 cores, A multicast along rows on NoC 0, B along columns on NoC 1.
_B = "gemm_block_sharded"
# Parts of K on 3 times 2 rows of cores: helpers send to roots.
_S = "gemm_split_gelu"
_P = "gemm_prefetch"

EXCHANGE = (
    # Multicasts.
    _m("reader: a multicast to a core too many", _B, "reader_a", "get_tile_size(cb_A), core_cols - 1);",
       "get_tile_size(cb_A), core_cols);", "multicast-count"),
    _m("reader: a multicast to a core too few", _B, "reader_a", "get_tile_size(cb_A), core_cols - 1);",
       "get_tile_size(cb_A), core_cols - 2);", "multicast-count"),
    _m("reader: a multicast to nobody", _B, "reader_a", "get_tile_size(cb_A), core_cols - 1);",
       "get_tile_size(cb_A), 0);", "multicast-count"),
    _m("reader: an announcement to a core too few", _B, "reader_a", "get_semaphore(sem_a_arrived)),\n                        core_cols - 1",
       "get_semaphore(sem_a_arrived)),\n                        core_cols - 2", "multicast-count"),
    _m("reader: corners of a column not reversed on NoC 1", _B, "reader_b_writer",
       "noc_x(core_x), noc_y(core_rows - 1), noc_x(core_x), noc_y(0)",
       "noc_x(core_x), noc_y(0), noc_x(core_x), noc_y(core_rows - 1)", "multicast-rectangle"),
    _m("reader: a multicast to the row below", _B, "reader_a",
       "noc_x(0), noc_y(core_y), noc_x(core_cols - 1), noc_y(core_y)",
       "noc_x(0), noc_y((core_y + 1) % 4), noc_x(core_cols - 1), noc_y((core_y + 1) % 4)", "multicast-count"),
    _m("reader: a page short of the block is multicast", _B, "reader_a",
       "block_m * block_k * get_tile_size(cb_A), core_cols", "(block_m * block_k - 1) * get_tile_size(cb_A), core_cols",
       "uninitialised-data"),
    _m("reader: a multicast without the group's second row", "gemm_a_to_all", "reader_a", "noc_y(core_rows - 1)", "noc_y(0)",
       "multicast-count"),
    _m("reader: corners of a row reversed on NoC 0", "gemm_one_row", "reader_a", "noc_x(0), noc_y(core_y), noc_x(core_cols - 1)",
       "noc_x(core_cols - 1), noc_y(core_y), noc_x(0)", "multicast-rectangle"),
    _m("reader: to the block after it", _B, "reader_a", "get_write_ptr(cb_A)),\n                        block_m",
       "get_write_ptr(cb_A) + block_m * block_k * get_tile_size(cb_A)),\n                        block_m", "cb-write-unreserved"),
    _m("reader: no multicast of the data", _B, "reader_a", _CAST, "", "uninitialised-data"),
    _m("reader: no announcement", _B, "reader_a", _ANNOUNCE, "", "hang"),
    _m("reader: the announcement before the data", _B, "reader_a", _CAST + _ANNOUNCE, _ANNOUNCE + _CAST,
       "cb-write-unreserved"),
    _m("reader: no flush between data and announcement", "gemm_multicast_p150", "reader_a", _CAST + _STORE,
       _CAST.replace(_FLUSHED, "") + _STORE, "cb-write-unreserved"),
    _m("reader: no flush after the announcement", _B, "reader_a", _TELL, _TELL.replace(_FLUSHED, ""), "write-not-flushed"),
    _m("reader: the announcement isn't read back", _B, "reader_a", _READ_BACK, "", "store-not-read-back"),
    _m("reader: another core's word is announced", _B, "reader_a", _STORE + _READ_BACK, "", "hang"),
    _m("reader: no read barrier before the multicast", _B, "reader_a", "noc_async_read_barrier();", "",
       "read-before-barrier"),
    _m("plan: both multicasts on one NoC", _B, "plan", "NOC::NOC_1", "NOC::NOC_0", "same-noc"),
    # Counters.
    _m("reader: a signal of the group isn't awaited", _B, "reader_a", _READY, "(round / core_cols + 1) * (core_cols - 2)",
       "cb-overwrite"),
    _m("reader: signals are awaited for a turn less", _B, "reader_a", _READY, "round / core_cols * (core_cols - 1)",
       "cb-overwrite"),
    _m("reader: a signal too many is awaited", _B, "reader_a", _READY, _READY + " + 1", "hang"),
    _m("reader: the group isn't awaited", _B, "reader_a", _HEARD, "", "cb-overwrite"),
    _m("reader: a receiver waits for the round before", _B, "reader_a", _AWAIT, _AWAIT.replace("round + 1", "round"),
       "cb-overwrite"),
    _m("reader: a receiver waits for the round after", _B, "reader_a", _AWAIT, _AWAIT.replace("round + 1", "round + 2"),
       "hang"),
    _m("reader: a receiver waits for exactly its round", _B, "reader_a", _AWAIT, _AWAIT.replace("wait_min", "wait"),
       "semaphore-equality"),
    _m("reader: a sender waits for exactly its group", _B, "reader_a", _HEARD, _HEARD.replace("wait_min", "wait"),
       "semaphore-equality"),
    _m("reader: a receiver doesn't wait", _B, "reader_a", _AWAIT, "                }", "cb-overwrite"),
    _m("reader: a receiver doesn't signal", _B, "reader_a", _SIGNAL, "", "hang"),
    _m("reader: a receiver signals twice", _B, "reader_a", _SIGNAL, _SIGNAL + _SIGNAL, "cb-overwrite"),
    _m("reader: a receiver signals before it has room", _B, "reader_a", _RESERVE,
       _EARLY + _RESERVE + _RECEIVED, "cb-overwrite"),
    _m("reader: a receiver signals before it reserves", "gemm_one_row", "reader_a", _RESERVE + _SENDS, _SENDS + _RESERVE, "cb-write-unreserved",
       more=((_SIGNAL, _SIGNAL + _RESERVE),)),
    _m("reader: a receiver doesn't reserve", _B, "reader_a", _RESERVE, "if (sender == core_x) " + _RESERVE.strip() + "\n",
       "cb-push-unreserved"),
    _m("reader: the signal goes to the next core", _B, "reader_a", "noc_x(sender)", "noc_x((sender + 1) % core_cols)",
       "hang"),
    _m("reader: rows and columns of the sender swapped", _B, "reader_a", "noc_x(sender), noc_y(core_y)",
       "noc_x(core_y), noc_y(sender)", "cb-overwrite"),
    _m("reader: rows and columns of the group's sender swapped", "gemm_a_to_all", "reader_a", "sender_x = sender % core_cols",
       "sender_x = sender / core_cols", "hang"),
    _m("reader: rounds begin anew with each unit", "gemm_one_row", "reader_a", "round = trip * k_blocks + step", "round = step",
       "cb-write-unreserved"),
    _m("reader: a core makes a trip less", "gemm_one_row", "reader_a", "y_trip < y_count", "y_trip < y_count - (core_x == 1)",
       "hang"),
    _m("reader: no atomic barrier at the end", _B, "reader_a", "    noc_async_atomic_barrier();\n}", "}", "noc-not-drained"),
    _m("reader: no barrier at the end", _B, "reader_a", _LAST, "", "noc-not-drained"),
    _m("plan: a counter begins at 1", _B, "plan", "workers, /*initial_value=*/0", "workers, /*initial_value=*/1",
       "cb-overwrite"),
    _m("plan: two signals share a counter", _B, "plan", '{"sem_a_ready", sem_a_ready}', '{"sem_a_ready", sem_b_ready}',
       "cb-overwrite"),
    _m("plan: a round less of one operand", _B, "plan", '{"k_blocks", 8}', '{"k_blocks", 7}', "hang"),
    # Sums of parts of K.
    _m("sender: a helper's slot off by one", _S, "reader_b_sender", "(part - 1) * block_m", "part * block_m",
       "out-of-range"),
    _m("sender: all helpers send to one slot", _S, "reader_b_sender", "(part - 1) * block_m", "0 * block_m",
       "uninitialised-data"),
    _m("sender: no write barrier between the sums and the signal", _S, "reader_b_sender", _SENT,
       _SENT.replace("            noc_async_write_barrier();\n", ""), "write-not-flushed"),
    _m("sender: no write barrier before the sums are popped", _S, "reader_b_sender", "            noc_async_write_barrier();\n            noc_semaphore_inc",
       "            noc_async_writes_flushed();\n            noc_semaphore_inc", "cb-write-unreserved"),
    _m("sender: a helper doesn't wait for room", _S, "reader_b_sender", "            noc_semaphore_wait_min(k_room, trip + 1);\n", "",
       "semaphore-unwaited"),
    _m("sender: a helper waits for the room of the unit before", _S, "reader_b_sender", "k_room, trip + 1", "k_room, trip",
       "semaphore-unwaited"),
    _m("sender: a helper signals before it sends", _S, "reader_b_sender", _WRITE, _SIGNALLED + _WRITE, "cb-overwrite",
       more=((_SENT, _SENT.replace(_SIGNALLED, "")),)),
    _m("sender: the sums go to the helper above", _S, "reader_b_sender", "noc_y(core_y - part * core_rows)", "noc_y(core_y - core_rows)",
       "uninitialised-data"),
    _m("writer: a root doesn't say that it has room", _S, "reader_b_writer", _ROOM, "", "hang"),
    _m("writer: a root waits for one helper less", _S, "reader_b_writer", "(trip + 1) * (parts - 1)", "(trip + 1) * (parts - 2)",
       "cb-write-unreserved"),
    _m("writer: a root waits for exactly its helpers", _S, "reader_b_writer", "wait_min(k_arrived", "wait(k_arrived",
       "semaphore-equality"),
    _m("writer: a root gives room before it reserves", _S, "reader_b_writer", _RESERVE_SUMS, "", "cb-write-unreserved",
       more=(("            noc_semaphore_wait_min(k_arrived", _RESERVE_SUMS + "            noc_semaphore_wait_min(k_arrived"),)),
    _m("writer: a root says that it has room before it has", _S, "reader_b_writer",
       "cb_reserve_back(cb_partials, (parts - 1) * block_m * block_n);\n", "\n", "cb-push-unreserved"),
    _m("reader: the last steps of a part are left out", _S, "reader_a", "step < step_count", "step < step_count - (part == 2)",
       "hang"),
    _m("sender: parts of K that overlap", _S, "reader_b_sender", "first_k = (step_start + step)", "first_k = (step_start - 1 + step)",
       "counters"),
    _m("compute: a helper's sums are left out", "gemm_split", "compute", "other < parts - 1", "other < parts - 2", "wrong-numbers"),
    # Blocks that are read ahead.
    _m("reader: reads ahead into the ring", _P, "reader_a", "get_write_ptr(cb_A_ahead) + (row", "get_write_ptr(cb_A) + (row", "cb-write-unreserved"),
    _m("reader: sends from the ring", _P, "reader_a", "get_read_ptr(cb_A_ahead)", "get_read_ptr(cb_A)", "cb-read-unwaited"),
    _m("reader: no loopback of what was read ahead", _P, "reader_a", "noc_async_write_multicast_loopback_src(",
       "noc_async_write_multicast(", "multicast-count"),
    _m("reader: loopback to the others only", _P, "reader_a", "get_tile_size(cb_A), core_cols);", "get_tile_size(cb_A), core_cols - 1);",
       "multicast-count"),
    _m("reader: no write barrier before the block is pushed", _P, "reader_a",
       "                    noc_async_write_barrier();\n                    cb_pop_front", "                    cb_pop_front", "noc-not-drained"),
    _m("reader: the block of the round after is read ahead", _P, "reader_a", "read_ahead(round + core_cols)", "read_ahead(round + 1)",
       "noc-not-drained"),
    _m("reader: the first block that is read ahead is another core's", _P, "reader_a", "read_ahead(core_x)", "read_ahead(0)", "wrong-numbers"),
    _m("reader: no barrier of what was read ahead", _P, "reader_a", "                    noc_async_read_barrier();\n", "",
       "read-before-barrier"),
    _m("reader: blocks beyond the last are read ahead", _P, "reader_a", "next < y_count * x_count * k_blocks", "next < 1000",
       "noc-not-drained"),
)  # fmt: skip
