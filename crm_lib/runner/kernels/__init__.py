"""How cells are run: kernels, plain or forked from a warm process, and the papermill engine that drives them."""
