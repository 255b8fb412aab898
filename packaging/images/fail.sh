#!/bin/sh
# Ends with an exit code: the first argument, else EXIT_CODE, else 1. With AFTER_SECONDS it waits so long first.
code=${1:-${EXIT_CODE:-1}}
case $code in
'' | 0?* | *[!0-9]*) code=256 ;;
esac
if [ "$code" -gt 255 ]; then
  echo "fail: an exit code is a whole number from 0 to 255, and \"${1:-$EXIT_CODE}\" is none" >&2
  exit 2
fi
if [ -n "${AFTER_SECONDS:-}" ]; then
  # In the background, so that SIGTERM is heard at once.
  trap 'exit 143' TERM
  sleep "$AFTER_SECONDS" &
  wait $!
fi
echo "fail: ending with exit code $code" >&2
exit "$code"
