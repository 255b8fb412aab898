"""Retries: a task that fails twice and then succeeds. Each attempt has its own log."""

from gofer_sdk import Pipeline, Task

pipeline = (
    Pipeline("retries", "Retries")
    .description("Fails at the first two attempts, waits a little longer before each further one, and succeeds.")
    .tasks(
        Task("flaky", "busybox:stable")
        .retries(3, backoff="500ms", factor=2, max_backoff="10s", jitter=0)
        .timeout("30s")
        .script("""
            echo "attempt $GOFER_ATTEMPT"
            if [ "$GOFER_ATTEMPT" -lt 3 ]; then
                echo "not yet" >&2
                exit 1
            fi
            echo "done"
        """)
    )
)

if __name__ == "__main__":
    pipeline.emit()
