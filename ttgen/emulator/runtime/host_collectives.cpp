// ttnn's collectives: what devices of a mesh exchange, computed page by page on what their buffers hold. A sum is rounded to its dtype
// with each device, in the order of the devices. What is beyond the ends of a tensor nobody wrote then.
#include <cstring>
#include <stdexcept>
#include <vector>

#include "host_buffers.hpp"
#include "tt-metalium/bfloat16.hpp"
#include "tt-metalium/experimental/fabric/fabric.hpp"
#include "ttnn/operations/ccl/all_gather/all_gather.hpp"
#include "ttnn/operations/ccl/all_reduce/all_reduce.hpp"
#include "ttnn/operations/ccl/reduce_scatter/reduce_scatter.hpp"
#include "ttnn/operations/data_movement/copy/copy.hpp"

namespace tt::tt_fabric {

void SetFabricConfig(
    FabricConfig config, FabricReliabilityMode, std::optional<uint8_t>, FabricTensixConfig, FabricUDMMode, FabricManagerMode, FabricRouterConfig) {
    ttemu::machine().wants_fabric = config != FabricConfig::DISABLED;
}

}  // namespace tt::tt_fabric

namespace ttnn {

namespace {

using tt::tt_metal::DataType;
using tt::tt_metal::MeshTensor;
using tt::tt_metal::Shape;

// A tile on one device, and which of its bytes were written.
struct Page {
    std::vector<uint8_t> bytes;
    ttemu::Shadow written;
};

using Pages = std::vector<Page>;

ttemu::Buffer& buffer_of(const Tensor& tensor) { return *tensor.mesh_tensor().mesh_buffer().get_reference_buffer()->state(); }

Pages taken(const Tensor& tensor, uint32_t device) {
    ttemu::place_device(device);
    ttemu::Buffer& buffer = buffer_of(tensor);
    Pages pages;
    ttemu::each_page(buffer, [&](const uint8_t* data, const ttemu::Shadow& shadow, std::size_t offset, uint32_t) {
        Page page{std::vector<uint8_t>(data, data + buffer.page_bytes), ttemu::Shadow(buffer.page_bytes)};
        ttemu::Shadow::copy(page.written, 0, shadow, offset, buffer.page_bytes);
        pages.push_back(std::move(page));
    });
    return pages;
}

void put(const Tensor& tensor, uint32_t device, const Pages& pages) {
    ttemu::place_device(device);
    ttemu::Buffer& buffer = buffer_of(tensor);
    ttemu::each_page(buffer, [&](uint8_t* data, ttemu::Shadow& shadow, std::size_t offset, uint32_t page) {
        std::memcpy(data, pages[page].bytes.data(), buffer.page_bytes);
        ttemu::Shadow::copy(shadow, offset, pages[page].written, 0, buffer.page_bytes);
        ttemu::poison_unwritten(data, shadow, offset, buffer.page_bytes);
    });
}

// The sum so far and what one more device has, as it is stored.
template <typename T>
void add(Page& sum, const Page& more) {
    for (std::size_t at = 0; at < sum.bytes.size(); at += sizeof(T)) {
        T left, right;
        std::memcpy(&left, sum.bytes.data() + at, sizeof(T));
        std::memcpy(&right, more.bytes.data() + at, sizeof(T));
        const T rounded(static_cast<float>(double{static_cast<float>(left)} + static_cast<float>(right)));
        std::memcpy(sum.bytes.data() + at, &rounded, sizeof(T));
        if (!more.written.all(at, sizeof(T))) {
            sum.written.set(at, sizeof(T), false);
        }
    }
}

void add(Page& sum, const Page& more, DataType dtype) {
    if (dtype == DataType::BFLOAT16) {
        add<bfloat16>(sum, more);
    } else if (dtype == DataType::FLOAT32) {
        add<float>(sum, more);
    } else {
        throw std::runtime_error("the emulator adds up bfloat16 and float32");
    }
}

// What is beyond the ends of a tensor, in its last tiles.
void forget_padding(Pages& pages, const Tensor& tensor) {
    const Shape& shape = tensor.mesh_tensor().tensor_spec().logical_shape();
    if (pages.front().bytes.size() % 1024 != 0) {
        return;  // block floats: elements have no bytes of their own
    }
    const std::size_t element = pages.front().bytes.size() / 1024;
    const uint32_t tile_rows = (shape[-2] + 31) / 32, tile_cols = (shape[-1] + 31) / 32;
    for (std::size_t page = 0; page < pages.size(); ++page) {
        const std::size_t first_row = page / tile_cols % tile_rows * 32, first_col = page % tile_cols * 32;
        for (std::size_t k = 0; k < 1024; ++k) {
            const std::size_t face = k / 256, row = first_row + face / 2 * 16 + k / 16 % 16, col = first_col + face % 2 * 16 + k % 16;
            if (row >= shape[-2] || col >= shape[-1]) {
                pages[page].written.set(k * element, element, false);
            }
        }
    }
}

// The devices that exchange something among themselves: those of each column of the mesh, or of each row.
std::vector<std::vector<uint32_t>> groups_of(const Tensor& tensor, std::optional<uint32_t> axis) {
    const auto& mesh = tensor.mesh_tensor().mesh_buffer().device()->shape();
    if (mesh.dims() != 2 || !axis.has_value() || *axis > 1) {
        throw std::runtime_error("the emulator's collectives go along an axis of a mesh of two");
    }
    if (!ttemu::machine().has_fabric) {
        throw std::runtime_error("Fabric is not initialized: a collective needs it, set before the mesh is opened");
    }
    std::vector<std::vector<uint32_t>> groups(mesh[1 - *axis]);
    for (uint32_t row = 0; row < mesh[0]; ++row) {
        for (uint32_t col = 0; col < mesh[1]; ++col) {
            groups[*axis == 0 ? col : row].push_back(row * mesh[1] + col);
        }
    }
    return groups;
}

// A dimension in pages: how many there are along it, and how many follow each of them.
struct Along {
    uint32_t count, inner;
};

Along along(const Shape& shape, int32_t dim) {
    const auto tiles = [&](int32_t i) { return i < static_cast<int32_t>(shape.rank()) - 2 ? shape[i] : (shape[i] + 31) / 32; };
    Along found{tiles(dim), 1};
    for (int32_t i = dim + 1; i < static_cast<int32_t>(shape.rank()); ++i) {
        found.inner *= tiles(i);
    }
    return found;
}

// Parts of the first shape, so many of which are the second along a dimension.
void check_parts(const Shape& part, const Shape& whole, int32_t dim, std::size_t count) {
    Shape expected = part;
    expected[dim] *= static_cast<uint32_t>(count);
    const bool cuts_tiles = dim >= static_cast<int32_t>(part.rank()) - 2 && part[dim] % 32 != 0;
    if (!(expected == whole) || cuts_tiles) {
        throw std::runtime_error("Parts of whole tiles make the whole along the dimension: these don't");
    }
}

const Shape& shape_of(const Tensor& tensor) { return tensor.mesh_tensor().tensor_spec().logical_shape(); }

int32_t from_the_front(int32_t dim, const Tensor& tensor) {
    const int32_t rank = static_cast<int32_t>(shape_of(tensor).rank());
    if (dim < -rank || dim >= rank) {
        throw std::runtime_error("The tensor has no such dimension");
    }
    return dim < 0 ? dim + rank : dim;
}

Pages sum_of(const std::vector<Pages>& had, DataType dtype) {
    Pages sums = had.front();
    for (std::size_t device = 1; device < had.size(); ++device) {
        for (std::size_t page = 0; page < sums.size(); ++page) {
            add(sums[page], had[device][page], dtype);
        }
    }
    return sums;
}

// make(what the devices of a group have, the place of one among them) → what that one gets
template <typename Make>
Tensor exchange(const Tensor& input, const Tensor& output, std::optional<uint32_t> axis, Make&& make) {
    for (const std::vector<uint32_t>& group : groups_of(input, axis)) {
        std::vector<Pages> had;
        for (const uint32_t device : group) {
            had.push_back(taken(input, device));
        }
        for (std::size_t place = 0; place < group.size(); ++place) {
            Pages got = make(had, place);
            forget_padding(got, output);
            put(output, group[place], got);
        }
    }
    return output;
}

Tensor new_tensor_like(const Tensor& other) {
    const auto& buffer = other.mesh_tensor().mesh_buffer();
    auto made = tt::tt_metal::distributed::MeshBuffer::create(buffer.global_config(), buffer.device_local_config(), buffer.device());
    return Tensor(MeshTensor::from_buffer(std::move(*made), other.mesh_tensor().tensor_spec()));
}

const Tensor& given(const std::optional<Tensor>& output) {
    if (!output.has_value()) {
        throw std::runtime_error("the emulator's operation needs a tensor to write to");
    }
    return *output;
}

}  // namespace

Tensor all_reduce(
    const Tensor& input, std::optional<uint32_t> axis, const std::optional<tt::tt_metal::SubDeviceId>&, const std::optional<MemoryConfig>&,
    std::optional<uint32_t>, std::optional<tt::tt_fabric::Topology>) {
    const DataType dtype = input.mesh_tensor().tensor_spec().data_type();
    return exchange(input, new_tensor_like(input), axis, [&](const std::vector<Pages>& had, std::size_t) { return sum_of(had, dtype); });
}

Tensor all_gather(
    const Tensor& input, int32_t dim, std::optional<uint32_t> axis, const std::optional<MemoryConfig>&, const std::optional<Tensor>& output,
    const std::optional<tt::tt_metal::SubDeviceId>&, const std::optional<tt::tt_metal::CoreRangeSet>&, std::optional<uint32_t>,
    std::optional<tt::tt_fabric::Topology>, std::optional<uint32_t>, std::optional<uint32_t>, std::optional<uint32_t>, bool) {
    dim = from_the_front(dim, input);
    const auto [count, inner] = along(shape_of(input), dim);
    return exchange(input, given(output), axis, [&, count = count, inner = inner](const std::vector<Pages>& had, std::size_t) {
        check_parts(shape_of(input), shape_of(*output), dim, had.size());
        Pages got;
        for (std::size_t outer = 0; outer < had.front().size() / (count * inner); ++outer) {
            for (const Pages& part : had) {
                const auto first = part.begin() + static_cast<std::ptrdiff_t>(outer * count * inner);
                got.insert(got.end(), first, first + count * inner);
            }
        }
        return got;
    });
}

Tensor reduce_scatter(
    const Tensor& input, int32_t dim, std::optional<uint32_t> axis, const std::optional<tt::tt_metal::SubDeviceId>&,
    const std::optional<MemoryConfig>&, const std::optional<MemoryConfig>&, const std::optional<Tensor>& output, std::optional<uint32_t>,
    std::optional<tt::tt_fabric::Topology>, std::optional<uint32_t>, std::optional<uint32_t>, std::optional<uint32_t>,
    const std::optional<DeviceComputeKernelConfig>&, bool) {
    dim = from_the_front(dim, input);
    const DataType dtype = input.mesh_tensor().tensor_spec().data_type();
    const auto [count, inner] = along(shape_of(given(output)), dim);
    return exchange(input, *output, axis, [&, count = count, inner = inner](const std::vector<Pages>& had, std::size_t place) {
        check_parts(shape_of(*output), shape_of(input), dim, had.size());
        const Pages sums = sum_of(had, dtype);
        Pages got;
        for (std::size_t part = place; part * count * inner < sums.size(); part += had.size()) {
            const auto first = sums.begin() + static_cast<std::ptrdiff_t>(part * count * inner);
            got.insert(got.end(), first, first + count * inner);
        }
        return got;
    });
}

Tensor copy(const Tensor& input, const Tensor& output) {
    if (!(shape_of(input) == shape_of(output)) || buffer_of(input).page_bytes != buffer_of(output).page_bytes) {
        throw std::runtime_error("A tensor is copied to one that is like it");
    }
    const std::size_t devices = input.mesh_tensor().mesh_buffer().device()->num_devices();
    for (uint32_t device = 0; device < devices; ++device) {
        put(output, device, taken(input, device));
    }
    return output;
}

}  // namespace ttnn
