// Accepted and ignored: the emulator prints nothing for kernels.
#pragma once

#ifndef WAYPOINT
#define WAYPOINT(...)
#endif
#ifndef DPRINT
#define DPRINT(...)
#endif
