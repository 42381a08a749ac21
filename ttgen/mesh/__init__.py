"""Meshes of devices: what each has of a tensor, what it computes, and what devices exchange between programs."""
