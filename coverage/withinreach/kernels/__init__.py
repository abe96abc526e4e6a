"""Arrays in, arrays out: the loops that a city's size makes expensive. NumPy and numba only.

Every kernel is a plain function that checks its arguments and calls compiled code; each has a slow twin in
``tests/naive.py`` that it equals bit for bit. Compiled functions call only compiled functions of their own file:
numba renews its cache when that file changes, and does not look at any other.
"""
