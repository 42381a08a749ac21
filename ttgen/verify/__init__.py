"""Runs rendered programs, in the emulator or anywhere else, and compares them with the formula's value."""
