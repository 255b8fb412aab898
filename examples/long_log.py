"""A long log, as fast as the shell can print it. How long is a parameter; each line tells its number.

Follow it, join it late, read a line from its middle, or cancel it while it floods.
"""

from gofer_sdk import Pipeline, Task, param

pipeline = (
    Pipeline("long-log", "Long log")
    .description("Prints many lines, every tenth of them to stderr.")
    .parameter("lines", "integer", default=20000, description="How many lines")
    .tasks(
        Task("print", "busybox:stable")
        .variable("LINES_WANTED", param("lines"))
        .timeout("10m")
        .stop_timeout("2s")
        .script("""
            i=1
            while [ "$i" -le "$LINES_WANTED" ]; do
                case $i in
                *0) echo "line $i of $LINES_WANTED, to stderr" >&2 ;;
                *) echo "line $i of $LINES_WANTED" ;;
                esac
                i=$((i + 1))
            done
        """)
    )
)

if __name__ == "__main__":
    pipeline.emit()
