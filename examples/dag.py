"""A diamond: one task fans out to two that run side by side, and one waits for both.

Around it stand a task that may fail, one that runs only if that has failed, and one that runs whatever happened. Takes
about five seconds, and each task prints as it goes.
"""

from gofer_sdk import Pipeline, Task

IMAGE = "busybox:stable"

# Shared by several tasks below. A task is a value: each of them is a new one, and this one stays as it is.
step = Task("step", IMAGE).timeout("1m").stop_timeout("2s").limits(cpu=1, memory="64MB")

fetch = (
    step.with_id("fetch")
    .description("Gets the data. Fails at first, and is tried again")
    .retries(2, backoff="500ms")
    .script("""
        echo "attempt $GOFER_ATTEMPT"
        if [ "$GOFER_ATTEMPT" -lt 2 ]; then
            echo "the source does not answer" >&2
            exit 1
        fi
        for part in 1 2 3; do
            echo "part $part of 3"
            sleep 0.2
        done
    """)
)

count = (
    step.with_id("count")
    .description("One side of the diamond")
    .depends_on(fetch)
    .script("""
        for i in 1 2 3 4 5 6 7 8; do
            echo "counted $i of 8"
            sleep 0.25
        done
    """)
)

check = (
    step.with_id("check")
    .description("The other side, at the same time")
    .depends_on(fetch)
    .script("""
        for name in names dates sums; do
            echo "checking $name"
            sleep 0.5
        done
        echo "one date looks odd" >&2
    """)
)

lint = (
    step.with_id("lint")
    .description("Finds fault, which does not make the run fail")
    .depends_on(fetch)
    .allow_failure()
    .script("""
        echo "two lines are too long"
        exit 3
    """)
)

explain = (
    step.with_id("explain")
    .description("Runs only because lint has failed")
    .depends_on(lint, when="failed")
    .command("echo", "lint has found something; the run goes on")
)

report = (
    step.with_id("report")
    .description("Waits for both sides")
    .depends_on(count, check)
    .script("""
        for line in "counted: 8" "checked: 3" "odd: 1"; do
            echo "$line"
            sleep 0.4
        done
    """)
)

tidy = (
    step.with_id("tidy")
    .description("Runs at the end, whatever happened before")
    .depends_on(report, explain, when="any")
    .command("echo", "all tidy")
)

pipeline = (
    Pipeline("dag", "Diamond")
    .description("A diamond with conditions, retries and a task that may fail.")
    .owner("examples")
    .label("kind", "example")
    .run_timeout("5m")
    .tasks(fetch, count, check, lint, explain, report, tidy)
)

if __name__ == "__main__":
    pipeline.emit()
