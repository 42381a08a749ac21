// Shapes and coordinates of meshes of devices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace tt::tt_metal::distributed {

class MeshShape {
public:
    explicit MeshShape(uint32_t s);
    MeshShape(uint32_t s0, uint32_t s1);
    MeshShape(uint32_t s0, uint32_t s1, uint32_t s2);
    explicit MeshShape(std::initializer_list<uint32_t> ilist);
    explicit MeshShape(std::span<const uint32_t> span);
    std::size_t dims() const;
    std::size_t mesh_size() const;
    uint32_t operator[](std::size_t i) const { return value_.at(i); }

private:
    std::vector<uint32_t> value_;
};

class MeshCoordinate {
public:
    explicit MeshCoordinate(uint32_t c);
    MeshCoordinate(uint32_t c0, uint32_t c1);
    MeshCoordinate(uint32_t c0, uint32_t c1, uint32_t c2);
    explicit MeshCoordinate(std::span<const uint32_t> coords);
    static MeshCoordinate zero_coordinate(std::size_t dimensions);
    std::size_t dims() const;
    std::span<const uint32_t> coords() const;

private:
    std::vector<uint32_t> value_;
};

class MeshCoordinateRange {
public:
    MeshCoordinateRange(const MeshCoordinate& start, const MeshCoordinate& end);
    explicit MeshCoordinateRange(const MeshShape& shape);
    MeshCoordinateRange(const MeshCoordinate& coord);
    const MeshCoordinate& start_coord() const;
    const MeshCoordinate& end_coord() const;

private:
    MeshCoordinate start_, end_;
};

inline bool operator<(const MeshCoordinateRange& a, const MeshCoordinateRange& b) {
    for (std::size_t i = 0; i < a.start_coord().coords().size() && i < b.start_coord().coords().size(); ++i) {
        if (a.start_coord().coords()[i] != b.start_coord().coords()[i]) return a.start_coord().coords()[i] < b.start_coord().coords()[i];
    }
    return false;
}
inline bool operator==(const MeshCoordinateRange& a, const MeshCoordinateRange& b) { return !(a < b) && !(b < a); }

}  // namespace tt::tt_metal::distributed
