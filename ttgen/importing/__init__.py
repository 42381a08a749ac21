"""TileLang kernels to specs: read without being run, recognised by what they compute, and proven."""
