#!/bin/sh
# Sleeps for as many seconds as the first argument, else WAIT_SECONDS says; without either until it is asked to end.
# At SIGTERM it ends with exit code 0, or goes on where IGNORE_TERM is set.
seconds=${1:-${WAIT_SECONDS:-forever}}
case $seconds in
forever) ;;
'' | 0?* | *[!0-9]*)
  echo "wait: a whole number of seconds is expected, and \"$seconds\" is none" >&2
  exit 2
  ;;
esac
if [ -n "${IGNORE_TERM:-}" ]; then
  trap 'echo "wait: SIGTERM has come, and is ignored"' TERM
else
  trap 'echo "wait: SIGTERM has come"; exit 0' TERM
fi
echo "wait: $seconds"
slept=0
while [ "$seconds" = forever ] || [ "$slept" -lt "$seconds" ]; do
  sleep 1 &
  wait $!
  slept=$((slept + 1))
done
