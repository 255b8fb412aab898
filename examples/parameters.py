"""Parameters: what a person fills in when a run starts, with types, defaults and choices."""

from gofer_sdk import Pipeline, Task, param

greet = (
    Task("greet", "busybox:stable")
    .variable("GREETING", f"{param('greeting')}, {param('who')}!")
    .variable("TIMES", param("times"))
    .variable("SHOUT", param("shout"))
    .script("""
        if [ "$SHOUT" = true ]; then
            GREETING=$(echo "$GREETING" | tr '[:lower:]' '[:upper:]')
        fi
        i=0
        while [ "$i" -lt "$TIMES" ]; do
            echo "$GREETING"
            i=$((i + 1))
        done
    """)
)

# A parameter is also a variable of the same name.
wait = (
    Task("wait", "busybox:stable")
    .depends_on(greet)
    .script("""
        echo "waiting for $pause s"
        sleep "$pause"
    """)
)

pipeline = (
    Pipeline("parameters", "Parameters")
    .description("Greets somebody as often as asked.")
    .parameter("who", default="World", description="Whom to greet")
    .parameter("greeting", choices=["Hello", "Good morning", "Good night"], default="Hello")
    .parameter("times", "integer", default=3, description="How often")
    .parameter("pause", "number", default=0.5, description="How long to wait at the end, in seconds")
    .parameter("shout", "boolean", default=False, description="In capitals")
    .tasks(greet, wait)
)

if __name__ == "__main__":
    pipeline.emit()
