"""Secret stores: where the values of secrets are."""
