// The device class of the Mesh API.
#pragma once

#include <tt-metalium/mesh_device.hpp>
