// Part of base_types.hpp here.
#pragma once

#include <tt-metalium/base_types.hpp>
