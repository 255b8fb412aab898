#!/bin/sh
# A pipeline in a shell script: whatever prints a manifest in JSON will do.
# Here each argument of the loop below becomes a task, and each task waits for the one before it.
set -eu

tasks=
parents='[]'
for step in unpack build sign; do
    task=$(
        cat <<EOF
    {
      "id": "$step",
      "image": "busybox:stable",
      "depends_on": $parents,
      "script": "echo \"$step begins\"; sleep 0.3; echo \"$step is done\""
    }
EOF
    )
    tasks="${tasks:+$tasks,
}$task"
    parents="[{\"task\": \"$step\"}]"
done

cat <<EOF
{
  "schema_version": 1,
  "id": "shell",
  "name": "Shell",
  "description": "Three tasks in a row, written by a shell script.",
  "tasks": [
$tasks
  ]
}
EOF
