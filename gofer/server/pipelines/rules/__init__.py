"""The rules of a manifest, a file for each group of them. All are called by `validate` and never raise."""
