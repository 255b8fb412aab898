"""What the pictures of the console show: a week in the life of a small team's server, in half a minute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.browser.jobs import Gate, pipeline, task
from tests.support.server import Api
from tests.support.until import until

_CHECK = r"""
echo '::group::Schema'
for table in customers orders order_lines payments; do printf '  %-12s \033[32mok\033[0m\n' $table; sleep 0.02; done
echo '::endgroup::'
echo '::group::Prices'
i=0
while [ $i -lt 14 ]; do
  i=$((i + 1)); echo "batch $i of 14: $((i * 500)) lines, sum $((i * 41213)).$((i * 7 % 90 + 10)) EUR"; sleep 0.02
done
if [ "$day" = friday ]; then
  echo 'WARNING: 2 lines without a price: 48113, 48190' >&2
  printf '\033[1;31mERROR\033[0m: orders.price: constraint "not null" failed\n' >&2
  echo '  see https://wiki.example.com/orders/price for what to do' >&2
  exit 4
fi
echo '::endgroup::'
echo 'all 7000 lines are right'
"""
_EXTRACT = 'for part in 1 2 3 4 5; do echo "part $part of 5: 1400 lines"; sleep 0.1; done'
_FLAKY = '[ "$GOFER_ATTEMPT" -gt 1 ] || { echo "the warehouse does not answer" >&2; exit 1; }'


def fill(api: Api, folder: Path) -> Gate:
    """Registers pipelines, runs them, and leaves two runs under way until the gate that it returns is opened."""
    gate = Gate(folder)
    for trigger in ("cron", "interval"):
        api.post("triggers", {"id": trigger, "image": f"builtin:{trigger}"})
        until(_is_healthy(api, trigger), f"the trigger {trigger} is healthy")
    _orders(api)
    _others(api)
    _under_way(api, gate)
    return gate


def _is_healthy(api: Api, trigger: str) -> Callable[[], bool]:
    return lambda: api.get(f"triggers/{trigger}")["state"] == "healthy"


def _orders(api: Api) -> None:
    """The one that is looked at closely: two versions, failures, a retry."""
    before = {"backoff": "200ms", "count": 2, "jitter": 0}
    tasks = [
        task("extract", _EXTRACT, description="Yesterday's orders, from the shop"),
        task("check", _CHECK, "extract"),
        task("rates", "sleep 0.3; echo 'EUR/USD 1.0841'", "extract"),
        task("load", f"{_FLAKY}; sleep 0.4; echo 'loaded 7000 lines'", "check", "rates", retries=before),
    ]
    report = task("report", "sleep 0.2; echo 'sent to sales@example.com'", "load")
    more = {
        "name": "Nightly orders",
        "description": "Loads the orders of the day before into the warehouse.",
        "parameters": [
            {"name": "day", "type": "string", "default": "yesterday", "description": "Whose orders"},
            {"name": "rows", "type": "integer", "default": 7000, "description": "At most so many"},
            {"name": "full", "type": "boolean", "default": False, "description": "From the beginning, not what is new"},
        ],
        "subscriptions": [{"label": "nightly", "trigger": "cron", "settings": {"expression": "30 2 * * *"}}],
    }
    api.register(pipeline("nightly-orders", *tasks, **more))
    _run(api, "nightly-orders", 14, fails={6})
    api.register(pipeline("nightly-orders", *tasks, report, **more))
    _run(api, "nightly-orders", 12, fails={9})


def _others(api: Api) -> None:
    hourly = [{"label": "hourly", "trigger": "cron", "settings": {"expression": "0 * * * *"}}]
    dumps = [task(f"dump-{name}", f"sleep 0.{i + 2}; echo dumped", "lock") for i, name in enumerate("abc")]
    after = [one["id"] for one in dumps]
    backup = [task("lock", "echo locked"), *dumps, task("upload", "sleep 0.1; echo uploaded", *after)]
    api.register(pipeline("backup-databases", *backup, name="Back up all databases", subscriptions=hourly))
    _run(api, "backup-databases", 30)
    site = [task("build", "sleep 0.3; echo built"), task("test", "sleep 0.2; echo '212 passed'", "build")]
    publish = task("publish", '[ "$day" != friday ] || { echo "no such bucket" >&2; exit 1; }; echo published', "test")
    day = {"name": "day", "type": "string", "default": "monday"}
    api.register(pipeline("deploy-site", *site, publish, name="Deploy the site", parameters=[day]))
    _run(api, "deploy-site", 19, fails={4, 17, 18, 19})
    tick = [{"label": "often", "trigger": "interval", "settings": {"every": "10s"}}]
    api.register(
        pipeline(
            "ping-mirrors", task("ping", "sleep 0.1; echo pong"), name="Are the mirrors there?", subscriptions=tick
        )
    )
    _run(api, "ping-mirrors", 28)
    api.register(
        pipeline("rotate-keys", task("ask", "echo asked"), task("rotate", "echo rotated", "ask"), name="New keys")
    )
    assert api.call("PUT", "namespaces/default/pipelines/rotate-keys/holds/paused", {"reason": "audit"})[0] < 300


def _under_way(api: Api, gate: Gate) -> None:
    shards = [f"shard-{number}" for number in range(1, 5)]
    wait = f"echo '3411 hosts'; echo 'host 1290 of 3411' >progress; {gate.wait}"
    scan = [task(name, wait if name == shards[2] else "sleep 0.2; echo '3411 hosts'", "plan") for name in shards]
    merged = task("merge", "echo merged", *shards)
    api.register(pipeline("scan-network", task("plan", "echo '4 shards'"), *scan, merged, name="Scan the network"))
    run = api.start("scan-network")
    api.until("taskrun.ended", "scan-network", run, shards[0])
    api.until("taskrun.running", "scan-network", run, shards[2])


def _run(api: Api, name: str, count: int, fails: set[int] | None = None) -> None:
    """So many runs one after the other; those in `fails` with a parameter that makes them fail."""
    for number in range(1, count + 1):
        api.ended(name, api.start(name, **({"day": "friday"} if number in (fails or ()) else {})))
