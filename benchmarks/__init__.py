"""How fast the kernels are beside other libraries: ratios within one run, every answer checked. See ``run.py``."""
