#!/usr/bin/env bash
# The demo: starts Gofer in dev mode, registers the examples, starts a run, follows it, and leaves the server up.
set -euo pipefail
cd "$(dirname "$0")/.."
gofer=.venv/bin/gofer
folder=$PWD/.demo
host=${DEMO_HOST:-localhost:8080}
mkdir -p "$folder"
export GOFER_CLI_HOST=$host

stop() {
  if [ -s "$folder/pid" ] && kill -0 "$(cat "$folder/pid")" 2>/dev/null; then
    kill "$(cat "$folder/pid")"
    tail --pid="$(cat "$folder/pid")" -f /dev/null
    echo "demo: the server has ended"
  fi
  rm -f "$folder/pid"
}

if [ "${1:-}" = stop ]; then
  stop
  exit 0
fi

stop
echo "\$ gofer service start"
setsid "$gofer" service start --host "$host" --storage "$folder/data" >"$folder/server.out" 2>"$folder/server.log" </dev/null &
echo $! >"$folder/pid"
for _ in $(seq 1 200); do
  if "$gofer" --format silent service info >/dev/null 2>&1; then break; fi
  if ! kill -0 "$(cat "$folder/pid")" 2>/dev/null; then
    cat "$folder/server.out" "$folder/server.log" >&2
    rm -f "$folder/pid"
    exit 1
  fi
  sleep 0.1
done
cat "$folder/server.out"
for example in examples/*.py; do
  echo "\$ gofer pipeline create $example"
  "$gofer" pipeline create "$example"
done
echo "\$ gofer pipeline run dag --follow"
"$gofer" pipeline run dag --follow
cat <<TEXT

Gofer is up at http://$host (its data: .demo/data, its log: .demo/server.log).
  Try:   .venv/bin/gofer --host $host pipeline list
  API:   http://$host/api/docs
  Stop:  make demo-stop
TEXT
