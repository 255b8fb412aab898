"""A matrix: one task fans out to a task run for each combination of its values; the next task waits for all of them."""

from gofer_sdk import Pipeline, Task, matrix

pipeline = (
    Pipeline("matrix", "Matrix")
    .description("Tests two versions on three systems, six task runs side by side.")
    .tasks(
        Task("test", "busybox:stable")
        .matrix(system=["debian", "alpine", "fedora"], version=["1.0", "2.0"])
        .variable("TITLE", f"version {matrix('version')} on {matrix('system')}")
        .script("""
            echo "testing $TITLE"
            sleep 1
            echo "$GOFER_MATRIX_SYSTEM $GOFER_MATRIX_VERSION: passed"
        """),
        Task("publish", "busybox:stable").depends_on("test").command("echo", "all six have passed"),
    )
)

if __name__ == "__main__":
    pipeline.emit()
