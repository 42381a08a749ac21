// Row-major matrices to tiles of four faces, and back.
#pragma once

#include <cstdint>
#include <vector>

#include <tt-metalium/constants.hpp>

template <typename T>
std::vector<T> tilize_nfaces(const std::vector<T>& input, uint32_t m, uint32_t n);

template <typename T>
std::vector<T> untilize_nfaces(const std::vector<T>& input, uint32_t m, uint32_t n);
