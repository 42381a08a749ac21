// Which cores dispatch. Nothing to choose in the emulator.
#pragma once

namespace tt::tt_metal {

class DispatchCoreConfig {
public:
    DispatchCoreConfig() = default;
};

}  // namespace tt::tt_metal
