// What can be said of the fabric, over which devices exchange data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tt::tt_fabric {

enum class FabricConfig : uint32_t {
    DISABLED = 0,
    FABRIC_1D_NEIGHBOR_EXCHANGE = 1,
    FABRIC_1D = 2,
    FABRIC_1D_RING = 3,
    FABRIC_2D = 4,
};
enum class FabricReliabilityMode : uint32_t { STRICT_SYSTEM_HEALTH_SETUP_MODE = 0, RELAXED_SYSTEM_HEALTH_SETUP_MODE = 1 };
enum class FabricTensixConfig : uint32_t { DISABLED = 0 };
enum class FabricUDMMode : uint32_t { DISABLED = 0 };
enum class FabricManagerMode : uint32_t { DEFAULT = 3 };
struct FabricRouterConfig {
    std::optional<std::size_t> max_packet_payload_size_bytes = std::nullopt;
};

}  // namespace tt::tt_fabric
