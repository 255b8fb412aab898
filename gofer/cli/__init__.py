"""The command line: a client of the API. One file per noun; what costs time to import is imported where it is used."""
