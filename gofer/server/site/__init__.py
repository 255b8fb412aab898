"""The documentation site, served out of the archive that `make docs` makes."""
