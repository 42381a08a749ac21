"""Single-line faults in the planner, the patterns and the proofs, and the tests that have to catch them."""

from tests.mutations.analysis import ANALYSIS
from tests.mutations.exchange import EXCHANGE
from tests.mutations.meshes import MESHES
from tests.mutations.planner import PLANNER
from tests.mutations.rows import ROWS

FAULTS = (*ANALYSIS, *PLANNER, *EXCHANGE, *ROWS, *MESHES)
