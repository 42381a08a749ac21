"""Runs a plan's programs on a card, or on what stands in for one, through ttnn."""
