"""A page about kernels: what is decided for them and what they take, drawn. It needs no script and no network."""
