// TensorAccessorArgs: the words that the host's TensorAccessorArgs(...).append_to() put among the compile-time arguments.
// Layout: [flags, aligned page size] and, if sharded, [rank, banks, tensor shape…, shard shape…, packed bank coordinates…]; a part that
// its Runtime flag names is among the common runtime arguments instead.
#pragma once

#include "api/compile_time_args.h"
#include "ttemu/args.h"

namespace tensor_accessor {
inline constexpr std::size_t UNKNOWN = static_cast<std::size_t>(-1);
enum class ArgConfig : uint8_t {
    None = 0, Sharded = 1, IsDram = 2, RuntimeRank = 4, RuntimeNumBanks = 8, RuntimeTensorShape = 16, RuntimeShardShape = 32,
    RuntimeBankCoords = 64, RuntimePageSize = 128
};
}  // namespace tensor_accessor

template <std::size_t CTA_OFFSET, std::size_t CRTA_OFFSET = tensor_accessor::UNKNOWN>
struct TensorAccessorArgs {
    static constexpr uint32_t flags = get_ct_arg<CTA_OFFSET>();
    static constexpr bool is_sharded = (flags & 1) != 0;
    static constexpr bool is_dram = (flags & 2) != 0;
    static constexpr bool rank_is_crta = is_sharded && (flags & 4) != 0;
    static constexpr bool num_banks_is_crta = is_sharded && (flags & 8) != 0;
    static constexpr bool tensor_shape_is_crta = is_sharded && (flags & 16) != 0;
    static constexpr bool shard_shape_is_crta = is_sharded && (flags & 32) != 0;
    static constexpr bool bank_coords_is_crta = is_sharded && (flags & 64) != 0;
    static constexpr bool page_size_is_crta = (flags & 128) != 0;

    static constexpr uint32_t page_size_words = page_size_is_crta ? 0 : 1;
    static constexpr uint32_t AlignedPageSize = get_ct_arg<CTA_OFFSET + page_size_words>() * page_size_words;
    static constexpr uint32_t RankCTAOffset = CTA_OFFSET + 1 + page_size_words;
    static constexpr uint32_t NumBanksCTAOffset = RankCTAOffset + (rank_is_crta ? 0 : 1);

    static constexpr uint32_t rank_ct() {
        if constexpr (is_sharded && !rank_is_crta) {
            return get_ct_arg<RankCTAOffset>();
        } else {
            return 0;
        }
    }
    static constexpr uint32_t num_banks_word_ct() {
        if constexpr (is_sharded && !num_banks_is_crta) {
            return get_ct_arg<NumBanksCTAOffset>();
        } else {
            return 0;
        }
    }
    static constexpr uint32_t RankCT = rank_ct();
    static constexpr uint32_t NumBanksCT = num_banks_word_ct() & 0x7FFFFFFFu;
    static constexpr uint32_t TensorShapeCTAOffset = NumBanksCTAOffset + (num_banks_is_crta ? 0 : 1);
    static constexpr uint32_t ShardShapeCTAOffset = TensorShapeCTAOffset + (tensor_shape_is_crta ? 0 : RankCT);
    static constexpr uint32_t BankCoordsCTAOffset = ShardShapeCTAOffset + (shard_shape_is_crta ? 0 : RankCT);

    static constexpr uint32_t num_compile_time_args() {
        if constexpr (is_sharded) {
            return BankCoordsCTAOffset + (bank_coords_is_crta ? 0 : (NumBanksCT + 1) / 2) - static_cast<uint32_t>(CTA_OFFSET);
        } else {
            return 1 + page_size_words;
        }
    }
    static constexpr uint32_t next_compile_time_args_offset() { return static_cast<uint32_t>(CTA_OFFSET) + num_compile_time_args(); }

    constexpr TensorAccessorArgs() : crta_offset_rt_(0) {}
    constexpr explicit TensorAccessorArgs(uint32_t crta_offset) : crta_offset_rt_(crta_offset) {}

    constexpr uint32_t crta_offset() const {
        return CRTA_OFFSET != tensor_accessor::UNKNOWN ? static_cast<uint32_t>(CRTA_OFFSET) : crta_offset_rt_;
    }
    constexpr uint32_t num_common_runtime_args() const {
        if constexpr (!is_sharded) {
            return page_size_is_crta ? 1 : 0;
        } else {
            return bank_coords_crta_offset() + (bank_coords_is_crta ? (get_num_banks() + 1) / 2 : 0) - crta_offset();
        }
    }
    constexpr uint32_t next_common_runtime_args_offset() const { return crta_offset() + num_common_runtime_args(); }

    constexpr uint32_t get_aligned_page_size() const {
        if constexpr (page_size_is_crta) {
            return get_common_arg_val<uint32_t>(crta_offset());
        } else {
            return AlignedPageSize;
        }
    }
    constexpr uint32_t get_rank() const {
        if constexpr (rank_is_crta) {
            return get_common_arg_val<uint32_t>(crta_offset());
        } else {
            return RankCT;
        }
    }
    constexpr uint32_t num_banks_word() const {
        if constexpr (num_banks_is_crta) {
            return get_common_arg_val<uint32_t>(crta_offset() + rank_is_crta);
        } else {
            return num_banks_word_ct();
        }
    }
    constexpr uint32_t get_num_banks() const { return num_banks_word() & 0x7FFFFFFFu; }
    constexpr bool resolve_shard_contiguous() const { return (num_banks_word() >> 31) != 0; }
    constexpr uint32_t tensor_shape_crta_offset() const { return crta_offset() + rank_is_crta + num_banks_is_crta; }
    constexpr uint32_t shard_shape_crta_offset() const { return tensor_shape_crta_offset() + (tensor_shape_is_crta ? get_rank() : 0); }
    constexpr uint32_t bank_coords_crta_offset() const { return shard_shape_crta_offset() + (shard_shape_is_crta ? get_rank() : 0); }

private:
    uint32_t crta_offset_rt_;
};
