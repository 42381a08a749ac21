// Stands in for the operating-system part of the host's libstdc++ configuration, which asks glibc what it offers.
// The kernels' C library is picolibc: nothing to define.
#pragma once
