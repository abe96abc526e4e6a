"""`python -m withinreach` does what the `withinreach` command does."""

from withinreach.cli import main

main()
