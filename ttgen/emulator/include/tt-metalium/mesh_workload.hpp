// Programs to run on a mesh.
#pragma once

#include <memory>
#include <unordered_map>
#include <map>

#include <tt-metalium/mesh_coord.hpp>
#include <tt-metalium/program.hpp>

namespace std {
template <>
struct hash<tt::tt_metal::distributed::MeshCoordinateRange> {
    size_t operator()(const tt::tt_metal::distributed::MeshCoordinateRange&) const { return 0; }
};
}  // namespace std

namespace tt::tt_metal::distributed {

class MeshWorkload {
public:
    MeshWorkload();
    MeshWorkload(const MeshWorkload&) = delete;
    MeshWorkload& operator=(const MeshWorkload&) = delete;
    MeshWorkload(MeshWorkload&&) noexcept;
    MeshWorkload& operator=(MeshWorkload&&) noexcept;
    ~MeshWorkload();
    void add_program(const MeshCoordinateRange& device_range, Program&& program);
    std::unordered_map<MeshCoordinateRange, Program>& get_programs();

private:
    std::unordered_map<MeshCoordinateRange, Program> programs_;
};

}  // namespace tt::tt_metal::distributed
