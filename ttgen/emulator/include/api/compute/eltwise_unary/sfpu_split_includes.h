// The real build includes SFPU headers by macro; here they are included directly.
#pragma once
