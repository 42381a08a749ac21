"""Formulas: text to a typed graph, and its value in NumPy."""
