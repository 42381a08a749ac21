// One translation unit: the value types, conversions and programs of the host API.
#include "host_cores.cpp"
#include "host_formats.cpp"
#include "host_program.cpp"
#include "host_tensor.cpp"
#include "host_collectives.cpp"
#include "trace.cpp"
