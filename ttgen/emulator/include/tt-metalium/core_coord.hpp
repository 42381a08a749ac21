// Cores and rectangles of cores, in logical coordinates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tt {

struct xy_pair {
    constexpr xy_pair() = default;
    constexpr xy_pair(std::size_t x, std::size_t y) : x(x), y(y) {}
    std::size_t x = 0;
    std::size_t y = 0;
    std::string str() const { return "(x=" + std::to_string(x) + ",y=" + std::to_string(y) + ")"; }
};

constexpr bool operator==(const xy_pair& a, const xy_pair& b) { return a.x == b.x && a.y == b.y; }
constexpr bool operator!=(const xy_pair& a, const xy_pair& b) { return !(a == b); }
constexpr bool operator<(const xy_pair& a, const xy_pair& b) { return a.x < b.x || (a.x == b.x && a.y < b.y); }

namespace tt_metal {

using CoreCoord = tt::xy_pair;
class CoreRangeSet;

class CoreRange {
public:
    CoreCoord start_coord;
    CoreCoord end_coord;
    CoreRange(const CoreCoord& point);
    CoreRange(const CoreCoord& start_coord, const CoreCoord& end_coord);
    bool intersects(const CoreRange& other) const;
    bool contains(const CoreCoord& other) const;
    bool contains(const CoreRange& other) const;
    bool contains(const CoreRangeSet& other) const;
    std::string str() const;
    std::size_t size() const;
    CoreCoord grid_size() const;

    class CoreIterator {
    public:
        CoreIterator(const CoreCoord& current, const CoreRange& core_range);
        CoreCoord& operator*();
        CoreIterator& operator++();
        bool operator==(const CoreIterator& other) const;
        bool operator!=(const CoreIterator& other) const;

    private:
        CoreCoord current_;
        const CoreRange& range_;
    };

    CoreIterator begin() const;
    CoreIterator end() const;
};

constexpr bool operator==(const CoreRange& a, const CoreRange& b) { return a.start_coord == b.start_coord && a.end_coord == b.end_coord; }
constexpr bool operator!=(const CoreRange& a, const CoreRange& b) { return !(a == b); }
constexpr bool operator<(const CoreRange& a, const CoreRange& b) {
    return a.start_coord < b.start_coord || (a.start_coord == b.start_coord && a.end_coord < b.end_coord);
}

class CoreRangeSet {
public:
    CoreRangeSet(std::span<const CoreRange> core_ranges);
    CoreRangeSet(const std::set<CoreRange>& core_ranges);
    CoreRangeSet(const CoreRange& core_range);
    CoreRangeSet(std::span<const CoreCoord> core_coords);
    CoreRangeSet() = default;
    CoreRangeSet(const CoreRangeSet& other);
    CoreRangeSet& operator=(const CoreRangeSet& other) noexcept = default;
    CoreRangeSet(CoreRangeSet&& other) noexcept;
    CoreRangeSet& operator=(CoreRangeSet&& other) noexcept = default;
    CoreRangeSet(std::vector<CoreRange>&& core_ranges);

    bool empty() const;
    std::size_t size() const;
    bool intersects(const CoreCoord& other) const;
    bool intersects(const CoreRange& other) const;
    bool contains(const CoreCoord& other) const;
    const std::vector<CoreRange>& ranges() const;
    std::string str() const;
    uint32_t num_cores() const;
    CoreRange bounding_box() const;

private:
    void validate_no_overlap();
    std::vector<CoreRange> ranges_;
};

std::vector<CoreCoord> grid_to_cores(uint32_t num_cores, uint32_t grid_size_x, uint32_t grid_size_y, bool row_wise = false);
std::vector<CoreCoord> grid_to_cores(CoreCoord start, CoreCoord end, bool row_wise = false);
std::vector<CoreCoord> corerange_to_cores(
    const CoreRangeSet& crs, std::optional<uint32_t> max_cores = std::nullopt, bool row_wise = false);

}  // namespace tt_metal
}  // namespace tt

using CoreCoord [[deprecated("use tt::tt_metal::CoreCoord")]] = tt::xy_pair;
using CoreRange [[deprecated("use tt::tt_metal::CoreRange")]] = tt::tt_metal::CoreRange;
using CoreRangeSet [[deprecated("use tt::tt_metal::CoreRangeSet")]] = tt::tt_metal::CoreRangeSet;
