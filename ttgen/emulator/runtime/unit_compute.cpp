// One translation unit: the compute unit.
#include "formats.cpp"
#include "dst.cpp"
#include "operation.cpp"
#include "unpack.cpp"
#include "products.cpp"
#include "math.cpp"
#include "sfpu.cpp"
#include "pack.cpp"
