// Buffers: where their pages are, and the words with which kernels find them.
#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "host_buffers.hpp"
#include "program.hpp"
#include "tt-metalium/tensor_accessor_args.hpp"

namespace ttemu {

namespace {

uint32_t align(uint64_t value, uint32_t to) { return static_cast<uint32_t>((value + to - 1) / to * to); }

// What the library keeps at the beginning of each bank; the rest is what a target says that a bank has.
uint32_t dram_base() { return align(0x100040, arch().dram_alignment); }

void allocate(Buffer& buffer) {
    Machine& m = machine();
    if (buffer.dram) {
        uint64_t end = dram_base();
        for (const auto& other : m.buffers) {
            if (other->dram && other->allocated) {
                end = std::max<uint64_t>(end, other->address + other->bank_bytes());
            }
        }
        buffer.address = align(end, arch().dram_alignment);
        if (uint64_t{buffer.address} + buffer.bank_bytes() > dram_base() + arch().dram_bank_bytes) {
            throw std::runtime_error("Out of Memory: Not enough space to allocate a DRAM buffer");
        }
        return;
    }
    uint32_t start = arch().l1_bytes;
    for (const auto& other : m.buffers) {
        if (!other->dram && other->allocated) {
            start = std::min(start, other->address);
        }
    }
    if (buffer.bank_bytes() > start - arch().l1_base) {
        throw std::runtime_error("Out of Memory: Not enough space to allocate an L1 buffer");
    }
    buffer.address = (start - buffer.bank_bytes()) / arch().l1_alignment * arch().l1_alignment;
}

std::vector<uint32_t> values_of(const tt::tt_metal::Shape& shape) {
    std::vector<uint32_t> values;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
        values.push_back(shape[static_cast<int32_t>(i)]);
    }
    return values;
}

// Dimensions that a shard spans whole join the next outer one; the order of pages stays.
void squeeze(std::vector<uint32_t>& tensor, std::vector<uint32_t>& shard) {
    while (tensor.size() > 1 && tensor.back() == shard.back()) {
        const std::size_t last = tensor.size() - 1;
        tensor[last - 1] *= tensor[last];
        shard[last - 1] *= shard[last];
        tensor.pop_back();
        shard.pop_back();
    }
    while (tensor.size() > 1 && tensor.front() == 1 && shard.front() == 1) {
        tensor.erase(tensor.begin());
        shard.erase(shard.begin());
    }
}

void lay_out_interleaved(Buffer& buffer) {
    const uint32_t count = buffer.dram ? arch().dram_banks : arch().rows * arch().cols;
    for (uint32_t i = 0; i < count; ++i) {
        buffer.banks.push_back(i);
    }
    buffer.bank_pages = (buffer.pages + count - 1) / count;
    for (uint32_t page = 0; page < buffer.pages; ++page) {
        buffer.place_of.push_back(uint64_t{page % count} * buffer.bank_pages + page / count);
    }
}

void lay_out_shards(Buffer& buffer, const tt::tt_metal::BufferDistributionSpec& spec) {
    buffer.sharded = true;
    buffer.tensor_shape = values_of(spec.tensor_shape_in_pages());
    buffer.shard_shape = values_of(spec.shard_shape_in_pages());
    if (buffer.tensor_shape.size() != buffer.shard_shape.size()) {
        throw std::runtime_error("Tensor and shard shape must have the same rank");
    }
    squeeze(buffer.tensor_shape, buffer.shard_shape);
    for (const auto& core : spec.cores()) {
        buffer.banks.push_back(static_cast<uint32_t>(buffer.dram ? core.x : core.y * arch().cols + core.x));
    }
    const std::size_t rank = buffer.tensor_shape.size();
    uint32_t shards = 1, volume = 1, pages = 1;
    for (std::size_t i = 0; i < rank; ++i) {
        shards *= (buffer.tensor_shape[i] + buffer.shard_shape[i] - 1) / buffer.shard_shape[i];
        volume *= buffer.shard_shape[i];
        pages *= buffer.tensor_shape[i];
    }
    if (pages != buffer.pages) {
        throw std::runtime_error("The buffer's pages aren't those of its distribution spec");
    }
    const uint32_t banks = static_cast<uint32_t>(buffer.banks.size());
    const bool contiguous = spec.shard_distribution_strategy() == tt::tt_metal::ShardDistributionStrategy::CONTIGUOUS_1D;
    if (contiguous && shards % banks != 0) {
        throw std::runtime_error("Contiguous shards must be a whole number a bank");
    }
    buffer.contiguous = contiguous;
    const uint32_t per_bank = (shards + banks - 1) / banks;
    buffer.bank_pages = per_bank * volume;
    for (uint32_t page = 0; page < buffer.pages; ++page) {
        uint32_t rest = page, shard = 0, shard_stride = 1, within = 0, within_stride = 1;
        for (std::size_t i = rank; i-- > 0;) {
            const uint32_t coordinate = rest % buffer.tensor_shape[i];
            rest /= buffer.tensor_shape[i];
            shard += coordinate / buffer.shard_shape[i] * shard_stride;
            within += coordinate % buffer.shard_shape[i] * within_stride;
            shard_stride *= (buffer.tensor_shape[i] + buffer.shard_shape[i] - 1) / buffer.shard_shape[i];
            within_stride *= buffer.shard_shape[i];
        }
        const uint32_t bank = contiguous ? shard / per_bank : shard % banks;
        const uint32_t index = contiguous ? shard % per_bank : shard / banks;
        buffer.place_of.push_back(uint64_t{bank} * buffer.bank_pages + uint64_t{index} * volume + within);
    }
}

}  // namespace

std::shared_ptr<Buffer> make_buffer(
    bool dram, uint64_t bytes, uint32_t page_bytes, const std::optional<tt::tt_metal::BufferDistributionSpec>& spec) {
    if (page_bytes == 0 || bytes == 0 || bytes % page_bytes != 0) {
        throw std::runtime_error("For valid non-interleaved buffers page size " + std::to_string(page_bytes) + " must equal buffer size " +
                                 std::to_string(bytes) + ", or divide it");
    }
    auto buffer = std::make_shared<Buffer>();
    buffer->order = machine().created_buffers++;
    buffer->dram = dram;
    buffer->bytes = bytes;
    buffer->page_bytes = page_bytes;
    buffer->aligned_page_bytes = align(page_bytes, dram ? arch().dram_alignment : arch().l1_alignment);
    buffer->pages = static_cast<uint32_t>(bytes / page_bytes);
    if (spec.has_value()) {
        lay_out_shards(*buffer, *spec);
    } else {
        lay_out_interleaved(*buffer);
    }
    buffer->page_at.assign(buffer->banks.size() * buffer->bank_pages, ~0u);
    for (uint32_t page = 0; page < buffer->pages; ++page) {
        buffer->page_at[buffer->place_of[page]] = page;
    }
    allocate(*buffer);
    clear_contents(*buffer);
    machine().buffers.push_back(buffer);
    return buffer;
}

void clear_contents(Buffer& buffer) {
    buffer.written.assign(buffer.pages, 0);
    buffer.read_bytes = 0;
    if (buffer.dram) {
        buffer.data.resize(buffer.banks.size() * buffer.bank_bytes());
        poison(buffer.data.data(), 0, buffer.data.size());
        buffer.shadow = Shadow(buffer.data.size());
        return;
    }
    for (const uint32_t core : buffer.banks) {
        poison(machine().cores[core]->l1 + buffer.address, buffer.address, buffer.bank_bytes());
        machine().cores[core]->shadow.set(buffer.address, buffer.bank_bytes(), false);
    }
}

void free_buffer(const std::shared_ptr<Buffer>& buffer) {
    if (!buffer->reported) {
        report_buffer(*buffer, "close");
    }
    buffer->allocated = false;
    buffer->data.clear();
    buffer->data.shrink_to_fit();
    buffer->elsewhere.clear();
    auto& all = machine().buffers;
    all.erase(std::remove(all.begin(), all.end(), buffer), all.end());
}

}  // namespace ttemu

namespace tt::tt_metal {

using namespace ttemu;

BufferShardingArgs::BufferShardingArgs() = default;
BufferShardingArgs::BufferShardingArgs(std::nullopt_t) {}
BufferShardingArgs::BufferShardingArgs(BufferDistributionSpec spec) : buffer_distribution_spec_(std::move(spec)) {}
BufferShardingArgs::BufferShardingArgs(std::optional<BufferDistributionSpec> spec) : buffer_distribution_spec_(std::move(spec)) {}
BufferShardingArgs::BufferShardingArgs(const BufferShardingArgs&) = default;
BufferShardingArgs::BufferShardingArgs(BufferShardingArgs&&) = default;
BufferShardingArgs& BufferShardingArgs::operator=(const BufferShardingArgs&) = default;
BufferShardingArgs& BufferShardingArgs::operator=(BufferShardingArgs&&) = default;
BufferShardingArgs::~BufferShardingArgs() = default;
const std::optional<BufferDistributionSpec>& BufferShardingArgs::buffer_distribution_spec() const { return buffer_distribution_spec_; }

BufferDistributionSpec::BufferDistributionSpec(
    const Shape& tensor, const Shape& shard, const CoreRangeSet& cores, ShardOrientation orientation, ShardDistributionStrategy strategy) :
    tensor_shape_in_pages_(tensor), shard_shape_in_pages_(shard), strategy_(strategy) {
    const bool row_wise = orientation == ShardOrientation::ROW_MAJOR;
    if (strategy == ShardDistributionStrategy::GRID_2D) {
        // Row i, column j of the shards is core (j, i) of the grid's rectangle, or (i, j) for column-major orientation.
        const std::size_t rank = tensor.rank();
        const auto count = [&](std::size_t i) {
            const int32_t at = static_cast<int32_t>(i);
            return (tensor[at] + shard[at] - 1) / shard[at];
        };
        const uint32_t columns = count(rank - 1), rows = rank > 1 ? count(rank - 2) : 1;
        const CoreRange box = cores.bounding_box();
        const CoreCoord size = row_wise ? CoreCoord(columns, rows) : CoreCoord(rows, columns);
        if (size.x > box.grid_size().x || size.y > box.grid_size().y) {
            throw std::runtime_error("The shard grid is larger than the core grid");
        }
        cores_ = grid_to_cores(box.start_coord, {box.start_coord.x + size.x - 1, box.start_coord.y + size.y - 1}, row_wise);
    } else {
        cores_ = corerange_to_cores(cores, std::nullopt, row_wise);
    }
}
BufferDistributionSpec::BufferDistributionSpec(const Shape& tensor, const Shape& shard, std::vector<CoreCoord> cores) :
    tensor_shape_in_pages_(tensor), shard_shape_in_pages_(shard), cores_(std::move(cores)) {}
BufferDistributionSpec BufferDistributionSpec::from_shard_spec(
    Shape tensor, Shape shard, Shape2D page, const CoreRangeSet& cores, ShardOrientation orientation, ShardDistributionStrategy strategy) {
    const auto in_pages = [&](Shape shape) {
        const int32_t rank = static_cast<int32_t>(shape.rank());
        shape[rank - 1] = static_cast<uint32_t>((shape[rank - 1] + page.width() - 1) / page.width());
        if (rank > 1) {
            shape[rank - 2] = static_cast<uint32_t>((shape[rank - 2] + page.height() - 1) / page.height());
        }
        return shape;
    };
    return BufferDistributionSpec(in_pages(tensor), in_pages(shard), cores, orientation, strategy);
}
std::size_t BufferDistributionSpec::num_shards() const {
    std::size_t product = 1;
    for (int32_t i = 0; i < static_cast<int32_t>(tensor_shape_in_pages_.rank()); ++i) {
        product *= (tensor_shape_in_pages_[i] + shard_shape_in_pages_[i] - 1) / shard_shape_in_pages_[i];
    }
    return product;
}
std::size_t BufferDistributionSpec::max_num_shards_per_core() const { return (num_shards() + cores_.size() - 1) / cores_.size(); }

Buffer::Buffer(std::shared_ptr<ttemu::Buffer> state) : state_(std::move(state)) {}
Buffer::~Buffer() = default;
uint32_t Buffer::address() const { return state_->address; }
DeviceAddr Buffer::size() const { return state_->bytes; }
DeviceAddr Buffer::page_size() const { return state_->page_bytes; }
uint32_t Buffer::num_pages() const { return state_->pages; }
BufferType Buffer::buffer_type() const { return state_->dram ? BufferType::DRAM : BufferType::L1; }
bool Buffer::is_l1() const { return !state_->dram; }
bool Buffer::is_dram() const { return state_->dram; }
DeviceAddr Buffer::aligned_page_size() const { return state_->aligned_page_bytes; }

namespace {

// [flags, aligned page size] and, for shards, [rank, banks, tensor shape, shard shape, coordinates of the banks, two in a word].
std::vector<uint32_t> accessor_words(const ttemu::Buffer& buffer) {
    std::vector<uint32_t> words = {(buffer.dram ? 2u : 0u) | (buffer.sharded ? 1u : 0u), buffer.aligned_page_bytes};
    if (!buffer.sharded) {
        return words;
    }
    words.push_back(static_cast<uint32_t>(buffer.tensor_shape.size()));
    words.push_back(static_cast<uint32_t>(buffer.banks.size()) | (buffer.contiguous ? 1u << 31 : 0u));
    words.insert(words.end(), buffer.tensor_shape.begin(), buffer.tensor_shape.end());
    words.insert(words.end(), buffer.shard_shape.begin(), buffer.shard_shape.end());
    for (std::size_t i = 0; i < buffer.banks.size(); ++i) {
        const uint32_t bank = buffer.banks[i];
        const uint32_t coordinate = buffer.dram ? bank << 8 : noc_x(bank % arch().cols) << 8 | noc_y(bank / arch().cols);
        if (i % 2 == 0) {
            words.push_back(coordinate);
        } else {
            words.back() |= coordinate << 16;
        }
    }
    return words;
}

void refuse_runtime(tensor_accessor::ArgsConfig config) {
    if (config.raw() != 0) {
        throw std::runtime_error("the emulator's TensorAccessorArgs knows compile-time arguments only");
    }
}

}  // namespace

TensorAccessorArgs::TensorAccessorArgs(const Buffer& buffer, tensor_accessor::ArgsConfig config) : words_(accessor_words(*buffer.state())) {
    refuse_runtime(config);
}
TensorAccessorArgs::TensorAccessorArgs(const distributed::MeshBuffer& buffer, tensor_accessor::ArgsConfig config) :
    TensorAccessorArgs(*buffer.get_reference_buffer(), config) {}
TensorAccessorArgs::TensorAccessorArgs(const std::shared_ptr<distributed::MeshBuffer>& buffer, tensor_accessor::ArgsConfig config) :
    TensorAccessorArgs(*buffer, config) {}
TensorAccessorArgs TensorAccessorArgs::create_dram_interleaved() {
    TensorAccessorArgs args;
    args.words_ = {2, 0};
    return args;
}
TensorAccessorArgs TensorAccessorArgs::create_l1_interleaved() {
    TensorAccessorArgs args;
    args.words_ = {0, 0};
    return args;
}
void TensorAccessorArgs::append_to(std::vector<uint32_t>& out) const { out.insert(out.end(), words_.begin(), words_.end()); }
void TensorAccessorArgs::append_to(std::vector<uint32_t>& out, std::vector<uint32_t>&) const { append_to(out); }
std::vector<uint32_t> TensorAccessorArgs::get_compile_time_args() const { return words_; }

}  // namespace tt::tt_metal
