"""The files of the login page. In the one-file program they are there once this package is imported."""
