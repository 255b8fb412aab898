"""`python -m gofer_triggers.pipeline`."""

from gofer_triggers.pipeline import main

main()
