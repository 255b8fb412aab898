"""A trigger in Python: starts a run for each new file in a folder."""

from __future__ import annotations

from pathlib import Path

from gofer_sdk.trigger import Duration, Refused, Settings, Subscription, Trigger, field


class Looking(Settings):
    look_every: Duration = field("How often to look.", default="10s")


class Folder(Settings):
    path: str = field("The folder to look into.")
    pattern: str = field("Which files count, such as *.csv.", default="*")


class NewFiles(Trigger[Looking, Folder]):
    """Starts a run for each new file in a folder."""

    version = "1.0.0"

    async def check(self, subscription: Subscription[Folder]) -> None:
        if not Path(subscription.settings.path).is_dir():
            raise Refused(f"path: {subscription.settings.path} is not a folder here.")

    async def run(self) -> None:
        told: set[tuple[str, str]] = set()
        while True:
            for subscription in list(self.subscriptions.values()):
                settings = subscription.settings
                for path in sorted(Path(settings.path).glob(settings.pattern)):
                    # The same file always has the same id: should this program begin anew, nothing is started twice.
                    event = f"{path.name} {path.stat().st_mtime_ns}"
                    if (subscription.id, event) not in told:
                        await self.fire(subscription, event, variables={"FILE": str(path)})
                        told.add((subscription.id, event))
            await self.sleep(self.settings.look_every)


if __name__ == "__main__":
    NewFiles.main()
