// Cores, rectangles, meshes of one device, and the division of work: the value types of the host API.
#include <algorithm>
#include <stdexcept>

#include "tt-metalium/core_coord.hpp"
#include "tt-metalium/mesh_coord.hpp"
#include "tt-metalium/tile.hpp"
#include "tt-metalium/work_split.hpp"

namespace tt::tt_metal {

CoreRange::CoreRange(const CoreCoord& point) : start_coord(point), end_coord(point) {}

CoreRange::CoreRange(const CoreCoord& start, const CoreCoord& end) : start_coord(start), end_coord(end) {
    if (end.x < start.x || end.y < start.y) {
        throw std::runtime_error("Invalid core range for start_coord: " + start.str() + ", end_coord: " + end.str());
    }
}

bool CoreRange::intersects(const CoreRange& o) const {
    return start_coord.x <= o.end_coord.x && o.start_coord.x <= end_coord.x && start_coord.y <= o.end_coord.y && o.start_coord.y <= end_coord.y;
}
bool CoreRange::contains(const CoreCoord& o) const {
    return o.x >= start_coord.x && o.x <= end_coord.x && o.y >= start_coord.y && o.y <= end_coord.y;
}
bool CoreRange::contains(const CoreRange& o) const { return contains(o.start_coord) && contains(o.end_coord); }
bool CoreRange::contains(const CoreRangeSet& o) const {
    return std::all_of(o.ranges().begin(), o.ranges().end(), [&](const CoreRange& r) { return contains(r); });
}
std::string CoreRange::str() const { return "[" + start_coord.str() + " - " + end_coord.str() + "]"; }
std::size_t CoreRange::size() const { return grid_size().x * grid_size().y; }
CoreCoord CoreRange::grid_size() const { return {end_coord.x - start_coord.x + 1, end_coord.y - start_coord.y + 1}; }

CoreRange::CoreIterator::CoreIterator(const CoreCoord& current, const CoreRange& range) : current_(current), range_(range) {}
CoreCoord& CoreRange::CoreIterator::operator*() { return current_; }
CoreRange::CoreIterator& CoreRange::CoreIterator::operator++() {
    if (current_.x < range_.end_coord.x) {
        ++current_.x;
    } else {
        current_.x = range_.start_coord.x;
        ++current_.y;
    }
    return *this;
}
bool CoreRange::CoreIterator::operator==(const CoreIterator& o) const { return current_ == o.current_; }
bool CoreRange::CoreIterator::operator!=(const CoreIterator& o) const { return !(*this == o); }
CoreRange::CoreIterator CoreRange::begin() const { return CoreIterator(start_coord, *this); }
CoreRange::CoreIterator CoreRange::end() const { return CoreIterator({start_coord.x, end_coord.y + 1}, *this); }

CoreRangeSet::CoreRangeSet(std::span<const CoreRange> ranges) : ranges_(ranges.begin(), ranges.end()) { validate_no_overlap(); }
CoreRangeSet::CoreRangeSet(const std::set<CoreRange>& ranges) : ranges_(ranges.begin(), ranges.end()) { validate_no_overlap(); }
CoreRangeSet::CoreRangeSet(const CoreRange& range) : ranges_{range} {}
CoreRangeSet::CoreRangeSet(std::span<const CoreCoord> cores) {
    for (const CoreCoord& core : cores) {
        ranges_.emplace_back(core);
    }
    validate_no_overlap();
}
CoreRangeSet::CoreRangeSet(const CoreRangeSet& other) = default;
CoreRangeSet::CoreRangeSet(CoreRangeSet&& other) noexcept = default;
CoreRangeSet::CoreRangeSet(std::vector<CoreRange>&& ranges) : ranges_(std::move(ranges)) { validate_no_overlap(); }
void CoreRangeSet::validate_no_overlap() {
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        for (std::size_t j = i + 1; j < ranges_.size(); ++j) {
            if (ranges_[i].intersects(ranges_[j])) {
                throw std::runtime_error("Cannot create CoreRangeSet with specified core ranges because core ranges overlap");
            }
        }
    }
}
bool CoreRangeSet::empty() const { return ranges_.empty(); }
std::size_t CoreRangeSet::size() const { return ranges_.size(); }
bool CoreRangeSet::intersects(const CoreCoord& core) const { return contains(core); }
bool CoreRangeSet::intersects(const CoreRange& other) const {
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const CoreRange& r) { return r.intersects(other); });
}
bool CoreRangeSet::contains(const CoreCoord& core) const {
    return std::any_of(ranges_.begin(), ranges_.end(), [&](const CoreRange& r) { return r.contains(core); });
}
const std::vector<CoreRange>& CoreRangeSet::ranges() const { return ranges_; }
std::string CoreRangeSet::str() const {
    std::string text = "{";
    for (const CoreRange& r : ranges_) {
        text += (text.size() > 1 ? ", " : "") + r.str();
    }
    return text + "}";
}
uint32_t CoreRangeSet::num_cores() const {
    std::size_t count = 0;
    for (const CoreRange& r : ranges_) {
        count += r.size();
    }
    return static_cast<uint32_t>(count);
}
CoreRange CoreRangeSet::bounding_box() const {
    if (ranges_.empty()) {
        throw std::runtime_error("Cannot get the bounding box of an empty CoreRangeSet");
    }
    CoreCoord low = ranges_.front().start_coord, high = ranges_.front().end_coord;
    for (const CoreRange& r : ranges_) {
        low = {std::min(low.x, r.start_coord.x), std::min(low.y, r.start_coord.y)};
        high = {std::max(high.x, r.end_coord.x), std::max(high.y, r.end_coord.y)};
    }
    return {low, high};
}

std::vector<CoreCoord> grid_to_cores(CoreCoord start, CoreCoord end, bool row_wise) {
    std::vector<CoreCoord> cores;
    if (row_wise) {
        for (std::size_t y = start.y; y <= end.y; ++y) {
            for (std::size_t x = start.x; x <= end.x; ++x) {
                cores.emplace_back(x, y);
            }
        }
    } else {
        for (std::size_t x = start.x; x <= end.x; ++x) {
            for (std::size_t y = start.y; y <= end.y; ++y) {
                cores.emplace_back(x, y);
            }
        }
    }
    return cores;
}

std::vector<CoreCoord> grid_to_cores(uint32_t count, uint32_t size_x, uint32_t size_y, bool row_wise) {
    std::vector<CoreCoord> cores = grid_to_cores({0, 0}, {size_x - 1, size_y - 1}, row_wise);
    cores.resize(std::min<std::size_t>(count, cores.size()));
    return cores;
}

std::vector<CoreCoord> corerange_to_cores(const CoreRangeSet& set, std::optional<uint32_t> max_cores, bool row_wise) {
    std::vector<CoreCoord> cores;
    for (const CoreRange& r : set.ranges()) {
        for (const CoreCoord& core : grid_to_cores(r.start_coord, r.end_coord, row_wise)) {
            cores.push_back(core);
        }
    }
    if (max_cores.has_value()) {
        cores.resize(std::min<std::size_t>(*max_cores, cores.size()));
    }
    return cores;
}

std::tuple<uint32_t, CoreRangeSet, CoreRangeSet, CoreRangeSet, uint32_t, uint32_t> split_work_to_cores(CoreCoord grid, uint32_t units, bool row_wise) {
    const uint32_t available = static_cast<uint32_t>(grid.x * grid.y);
    const uint32_t count = std::min(units, available);
    if (count == 0) {
        return {0, {}, {}, {}, 0, 0};
    }
    const std::vector<CoreCoord> cores =
        grid_to_cores(count, static_cast<uint32_t>(grid.x), static_cast<uint32_t>(grid.y), row_wise);
    const uint32_t few = units / count, more = units % count;
    const std::span<const CoreCoord> all(cores);
    if (more == 0) {
        return {count, CoreRangeSet(all), CoreRangeSet(all), CoreRangeSet(), few, 0};
    }
    return {count, CoreRangeSet(all), CoreRangeSet(all.subspan(0, more)), CoreRangeSet(all.subspan(more)), few + 1, few};
}

Tile::Tile(std::array<uint32_t, 2> shape, bool) : tile_shape(shape), face_shape{std::min(shape[0], 16u), std::min(shape[1], 16u)} {}

namespace distributed {

MeshShape::MeshShape(uint32_t s) : value_{s} {}
MeshShape::MeshShape(uint32_t a, uint32_t b) : value_{a, b} {}
MeshShape::MeshShape(uint32_t a, uint32_t b, uint32_t c) : value_{a, b, c} {}
MeshShape::MeshShape(std::initializer_list<uint32_t> list) : value_(list) {}
MeshShape::MeshShape(std::span<const uint32_t> span) : value_(span.begin(), span.end()) {}
std::size_t MeshShape::dims() const { return value_.size(); }
std::size_t MeshShape::mesh_size() const {
    std::size_t product = 1;
    for (const uint32_t v : value_) {
        product *= v;
    }
    return product;
}

MeshCoordinate::MeshCoordinate(uint32_t c) : value_{c} {}
MeshCoordinate::MeshCoordinate(uint32_t a, uint32_t b) : value_{a, b} {}
MeshCoordinate::MeshCoordinate(uint32_t a, uint32_t b, uint32_t c) : value_{a, b, c} {}
MeshCoordinate::MeshCoordinate(std::span<const uint32_t> coords) : value_(coords.begin(), coords.end()) {}
MeshCoordinate MeshCoordinate::zero_coordinate(std::size_t dimensions) {
    const std::vector<uint32_t> zeros(dimensions, 0);
    return MeshCoordinate(std::span<const uint32_t>(zeros));
}
std::size_t MeshCoordinate::dims() const { return value_.size(); }
std::span<const uint32_t> MeshCoordinate::coords() const { return value_; }

namespace {
MeshCoordinate last_of(const MeshShape& shape) {
    std::vector<uint32_t> last;
    for (std::size_t i = 0; i < shape.dims(); ++i) {
        last.push_back(shape[i] - 1);
    }
    return MeshCoordinate(std::span<const uint32_t>(last));
}
}  // namespace

MeshCoordinateRange::MeshCoordinateRange(const MeshCoordinate& start, const MeshCoordinate& end) : start_(start), end_(end) {}
MeshCoordinateRange::MeshCoordinateRange(const MeshShape& shape) : start_(MeshCoordinate::zero_coordinate(shape.dims())), end_(last_of(shape)) {}
MeshCoordinateRange::MeshCoordinateRange(const MeshCoordinate& coord) : start_(coord), end_(coord) {}
const MeshCoordinate& MeshCoordinateRange::start_coord() const { return start_; }
const MeshCoordinate& MeshCoordinateRange::end_coord() const { return end_; }

}  // namespace distributed
}  // namespace tt::tt_metal
