// SrcOrder is defined with the other enumerations.
#pragma once

#include "ttemu/types.h"
