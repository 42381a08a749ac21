// TensorAccessor: which bank holds a page of a tensor, and where.
#pragma once

#include "api/tensor/tensor_accessor_args.h"
#include "ttemu/noc_address.h"

namespace tensor_accessor {

inline constexpr uint32_t MAX_RANK = 8;

// The distribution of a tensor's pages over banks. Args is a TensorAccessorArgs.
template <typename Args>
struct DistributionSpec {
    static constexpr bool is_interleaved = !Args::is_sharded;
    static constexpr bool is_dram = Args::is_dram;
    using Shape = const uint32_t*;

    constexpr explicit DistributionSpec(const Args& args) :
        rank_(args.get_rank()), banks_(args.get_num_banks()), contiguous_(Args::is_sharded && args.resolve_shard_contiguous()) {
        if constexpr (Args::is_sharded) {
            load(args);
        }
    }

    constexpr uint32_t rank() const { return rank_; }
    constexpr uint32_t num_banks() const { return banks_; }
    constexpr Shape tensor_shape() const { return tensor_shape_; }
    constexpr Shape shard_shape() const { return shard_shape_; }
    constexpr Shape shard_grid() const { return grid_; }
    constexpr std::size_t tensor_volume() const { return tensor_volume_; }
    constexpr std::size_t shard_volume() const { return shard_volume_; }
    constexpr std::size_t num_shards() const { return num_shards_; }

    struct Place {
        uint32_t bank;
        uint32_t page;  // within the bank
    };

    constexpr Place shard(uint32_t shard_id) const {
        const uint32_t per_bank = contiguous_ ? (num_shards_ + banks_ - 1) / banks_ : 1;
        const uint32_t bank = contiguous_ ? shard_id / per_bank : shard_id % banks_;
        const uint32_t index = contiguous_ ? shard_id % per_bank : shard_id / banks_;
        return {bank, index * shard_volume_};
    }

    constexpr Place page(uint32_t page_id) const {
        uint32_t shard_id = 0, shard_stride = 1, within = 0, within_stride = 1;
        for (uint32_t i = rank_; i-- > 0;) {
            const uint32_t coordinate = page_id % tensor_shape_[i];
            page_id /= tensor_shape_[i];
            shard_id += coordinate / shard_shape_[i] * shard_stride;
            within += coordinate % shard_shape_[i] * within_stride;
            shard_stride *= grid_[i];
            within_stride *= shard_shape_[i];
        }
        Place place = shard(shard_id);
        place.page += within;
        return place;
    }

    constexpr uint32_t bank_x(uint32_t bank) const { return coordinates_[bank] >> 8; }
    constexpr uint32_t bank_y(uint32_t bank) const { return coordinates_[bank] & 0xFF; }

private:
    template <uint32_t Base, uint32_t Count>
    constexpr void from_ct(uint32_t* out) {
        static_assert(Base + Count < sizeof(ttemu::compile_time_args) / sizeof(uint32_t), "Index out of range");
        for (uint32_t i = 0; i < Count; ++i) {
            out[i] = ttemu::compile_time_args[Base + i + 1];
        }
    }

    constexpr void load(const Args& args) {
        if constexpr (Args::tensor_shape_is_crta) {
            for (uint32_t i = 0; i < rank_; ++i) tensor_shape_[i] = get_common_arg_val<uint32_t>(args.tensor_shape_crta_offset() + i);
        } else {
            from_ct<Args::TensorShapeCTAOffset, Args::RankCT>(tensor_shape_);
        }
        if constexpr (Args::shard_shape_is_crta) {
            for (uint32_t i = 0; i < rank_; ++i) shard_shape_[i] = get_common_arg_val<uint32_t>(args.shard_shape_crta_offset() + i);
        } else {
            from_ct<Args::ShardShapeCTAOffset, Args::RankCT>(shard_shape_);
        }
        uint32_t packed[kMaxBanks / 2] = {};
        if constexpr (Args::bank_coords_is_crta) {
            for (uint32_t i = 0; i < (banks_ + 1) / 2; ++i) packed[i] = get_common_arg_val<uint32_t>(args.bank_coords_crta_offset() + i);
        } else {
            from_ct<Args::BankCoordsCTAOffset, (Args::NumBanksCT + 1) / 2>(packed);
        }
        for (uint32_t i = 0; i < banks_; ++i) coordinates_[i] = static_cast<uint16_t>(packed[i / 2] >> (i % 2 * 16));
        for (uint32_t i = 0; i < rank_; ++i) {
            grid_[i] = (tensor_shape_[i] + shard_shape_[i] - 1) / shard_shape_[i];
            tensor_volume_ *= tensor_shape_[i];
            shard_volume_ *= shard_shape_[i];
            num_shards_ *= grid_[i];
        }
    }

    static constexpr uint32_t kMaxBanks = 256;
    uint32_t rank_, banks_;
    bool contiguous_;
    uint32_t tensor_shape_[MAX_RANK] = {}, shard_shape_[MAX_RANK] = {}, grid_[MAX_RANK] = {};
    uint16_t coordinates_[Args::is_sharded ? kMaxBanks : 1] = {};
    uint32_t tensor_volume_ = 1, shard_volume_ = 1, num_shards_ = 1;
};

}  // namespace tensor_accessor

template <typename DSpecT>
struct TensorAccessor {
    using DSpec = DSpecT;
    static constexpr bool is_dram = DSpec::is_dram;

    template <std::size_t CTA_OFFSET, std::size_t CRTA_OFFSET>
    TensorAccessor(
        const TensorAccessorArgs<CTA_OFFSET, CRTA_OFFSET>& args,
        const std::size_t bank_base_address_in,
        const uint32_t page_size_in = TensorAccessorArgs<CTA_OFFSET, CRTA_OFFSET>::AlignedPageSize) :
        spec_(args), base_(static_cast<uint32_t>(bank_base_address_in)), page_size_(page_size_in) {}

    const DSpec& dspec() const { return spec_; }
    uint32_t get_aligned_page_size() const { return page_size_; }
    uint32_t get_bank_base_address() const { return base_; }

    uint64_t get_noc_addr(const uint32_t page_id, const uint32_t offset = 0, uint8_t noc = noc_index) const {
        if constexpr (DSpec::is_interleaved) {
            constexpr uint32_t banks = DSpec::is_dram ? NUM_DRAM_BANKS : NUM_L1_BANKS;
            constexpr uint32_t alignment = DSpec::is_dram ? DRAM_ALIGNMENT : L1_ALIGNMENT;
            const uint32_t stride = (page_size_ + alignment - 1) / alignment * alignment;
            return ttemu_bank_address(DSpec::is_dram, page_id % banks, base_ + page_id / banks * stride + offset, noc);
        } else {
            const auto place = spec_.page(page_id);
            return address(place.bank, base_ + place.page * page_size_ + offset, noc);
        }
    }

    uint64_t get_shard_noc_addr(const uint32_t shard_id, const uint32_t offset = 0, uint8_t noc = noc_index) const {
        const auto place = spec_.shard(shard_id);
        return address(place.bank, base_ + place.page * page_size_ + offset, noc);
    }

    bool is_local_addr(const uint64_t noc_addr, uint8_t noc = noc_index) const {
        static_assert(!DSpec::is_interleaved, "locality is not supported by the interleaved tensor accessor");
        (void)noc;
        return (noc_addr >> 36) == ((static_cast<uint64_t>(ttemu_core(1)) << 6) | ttemu_core(0));
    }
    bool is_local_page(const uint32_t page_id, uint8_t noc = noc_index) const { return is_local_addr(get_noc_addr(page_id, 0, noc), noc); }
    bool is_local_shard(const uint32_t shard_id, uint8_t noc = noc_index) const {
        return is_local_addr(get_shard_noc_addr(shard_id, 0, noc), noc);
    }

private:
    uint64_t address(uint32_t bank, uint32_t local, uint8_t noc) const {
        if constexpr (DSpec::is_dram) {
            return ttemu_bank_address(1, spec_.bank_x(bank), local, noc);  // a DRAM bank's coordinate is its number, as in the real encoding
        } else {
            return ::get_noc_addr(spec_.bank_x(bank), spec_.bank_y(bank), local, noc);
        }
    }

    DSpec spec_;
    uint32_t base_;
    uint32_t page_size_;
};

template <std::size_t CTA_OFFSET, std::size_t CRTA_OFFSET>
TensorAccessor(const TensorAccessorArgs<CTA_OFFSET, CRTA_OFFSET>&, std::size_t)
    -> TensorAccessor<tensor_accessor::DistributionSpec<TensorAccessorArgs<CTA_OFFSET, CRTA_OFFSET>>>;
template <std::size_t CTA_OFFSET, std::size_t CRTA_OFFSET>
TensorAccessor(const TensorAccessorArgs<CTA_OFFSET, CRTA_OFFSET>&, std::size_t, uint32_t)
    -> TensorAccessor<tensor_accessor::DistributionSpec<TensorAccessorArgs<CTA_OFFSET, CRTA_OFFSET>>>;
