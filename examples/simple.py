"""Two tasks, one after the other: the smallest pipeline that does something."""

from gofer_sdk import Pipeline, Task

pipeline = (
    Pipeline("simple", "Simple")
    .description("Says hello, then says good-bye.")
    .tasks(
        Task("hello", "busybox:stable").command("echo", "Hello from Gofer"),
        Task("goodbye", "busybox:stable")
        .depends_on("hello")
        .script("""
            echo "Task $GOFER_TASK_ID of run $GOFER_RUN_ID, pipeline $GOFER_PIPELINE_ID"
            echo "Good-bye"
        """),
    )
)

if __name__ == "__main__":
    pipeline.emit()
