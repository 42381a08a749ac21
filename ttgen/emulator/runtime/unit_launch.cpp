// One translation unit: devices and buffers, the build of kernels, and the launch.
#include "host_buffers.cpp"
#include "host_device.cpp"
#include "host_mesh.cpp"
#include "kernel_build.cpp"
#include "launch.cpp"
