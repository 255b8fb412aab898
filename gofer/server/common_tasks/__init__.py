"""Common tasks: installed once by an administrator, used by every pipeline that may."""
