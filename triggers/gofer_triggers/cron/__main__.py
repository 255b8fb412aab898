"""`python -m gofer_triggers.cron`, as its image does."""

from gofer_triggers.cron import main

main()
