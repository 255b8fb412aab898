"""A pipeline to try deployments with, as docs/guide/deployments.md does: change it, and see who gets what."""

from gofer_sdk import Pipeline, Task

pipeline = (
    Pipeline("totals", "Totals of a day")
    .parameter("day", default="today")
    .tasks(
        Task("add", "busybox:stable").script('echo "totals of $day: $((19 + 23))"'),
    )
)

if __name__ == "__main__":
    pipeline.emit()
