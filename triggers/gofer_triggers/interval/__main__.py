"""`python -m gofer_triggers.interval`, as its image does."""

from gofer_triggers.interval import main

main()
