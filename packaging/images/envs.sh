#!/bin/sh
# Prints what it was given: its arguments and its environment, sorted. Gofer masks secrets in the log.
for argument in "$@"; do
  printf 'argument: %s\n' "$argument"
done
env -0 | sort -z | tr "\0" "\n"
