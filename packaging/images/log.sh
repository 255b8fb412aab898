#!/bin/sh
# Writes lines: as many as the first argument, else LOG_LINES, else 10 says; a second each as many as the second, else
# LOG_RATE, else 0 says, where 0 is as fast as it goes. Every tenth goes to stderr.
lines=${1:-${LOG_LINES:-10}}
rate=${2:-${LOG_RATE:-0}}
for number in "$lines" "$rate"; do
  case $number in
  '' | 0?* | *[!0-9]*)
    echo "log: whole numbers are expected (lines, lines a second), and \"$number\" is none" >&2
    exit 2
    ;;
  esac
done
trap 'exit 143' TERM
line=0
while [ "$line" -lt "$lines" ]; do
  line=$((line + 1))
  if [ $((line % 10)) -eq 0 ]; then
    echo "line $line of $lines" >&2
  else
    echo "line $line of $lines"
  fi
  if [ "$rate" -gt 0 ] && [ $((line % rate)) -eq 0 ]; then
    sleep 1 &
    wait $!
  fi
done
