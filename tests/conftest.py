"""What holds for all tests."""

from __future__ import annotations

import os

# There are as many workers as cores: a product of matrices that takes all cores waits for the others, spinning.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
