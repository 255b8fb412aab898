"""Values, files and a cache from task to task.

Needs a secret, which you set once: `gofer secret put values-token --pipeline values`. The second run finds in its
cache what the first has left there.
"""

from gofer_sdk import Pipeline, Task, matrix, param, run_object, secret

IMAGE = "busybox:stable"
PARTS = ["north", "south"]

version = (
    Task("version", IMAGE)
    .description("Makes a value that later tasks use: a small file becomes an object of the run")
    .script("""
        printf 'v%s-%s' "$GOFER_RUN_ID" "$channel" >version.txt
    """)
    .output("version", "version.txt")
)

build = (
    Task("build", IMAGE)
    .description("One folder for each part. What takes long is kept in a cache, and done once only")
    .depends_on(version)
    .matrix(part=PARTS)
    .cache(f"parts-{matrix('part')}", "cache")
    .variable("VERSION", run_object("version"))
    .script("""
        if [ -e cache/tool ]; then
            echo "the tool is in the cache"
        else
            echo "making the tool"
            mkdir -p cache
            printf '#!/bin/sh\\necho "$1 of $2"\\n' >cache/tool
            chmod +x cache/tool
        fi
        mkdir -p out/bin
        cp cache/tool out/bin/tool
        cache/tool "$GOFER_MATRIX_PART" "$VERSION" >out/part.txt
    """)
    .output(f"part-{matrix('part')}", "out")
)

publish = (
    Task("publish", IMAGE)
    .description("Gets the folders of all parts, and signs in with a secret that no log shows")
    .depends_on(build)
    .input("part-north", "parts/north")
    .input("part-south", "parts/south")
    .variable("TOKEN", secret("values-token"))
    .variable("TARGET", f"https://{param('channel')}.example.org/{run_object('version')}")
    .script("""
        for part in north south; do
            cat "parts/$part/part.txt"
            test -x "parts/$part/bin/tool"
        done
        echo "publishing to $TARGET with the token $TOKEN"
        cat parts/*/part.txt >report.txt
    """)
    .output("report", "report.txt")
)

pipeline = (
    Pipeline("values", "Values and files")
    .description("A value, folders, a secret and a cache, from task to task.")
    .owner("examples")
    .label("kind", "example")
    .parameter("channel", choices=["stable", "edge"], default="stable", description="Where it is published")
    .tasks(version, build, publish)
)

if __name__ == "__main__":
    pipeline.emit()
