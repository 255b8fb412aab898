"""How versions become live."""
