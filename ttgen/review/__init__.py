"""What changed between two revisions of a kernel: the values, the interface, the cost, and why. Pure functions."""
