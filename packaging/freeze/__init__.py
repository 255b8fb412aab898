"""How the one-file program is made: used by gofer.spec and by `make binary`."""
