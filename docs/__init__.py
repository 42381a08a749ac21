"""The generators of pages, and what runs their code."""
