"""From a spec to a plan: pure functions, one decision a file."""
