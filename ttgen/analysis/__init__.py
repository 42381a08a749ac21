"""Walks over the tile program: counts and proofs."""
