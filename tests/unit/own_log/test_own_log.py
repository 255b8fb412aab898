"""What the server says of itself, in both formats and from both sources. A process of its own, as logging is global."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import uvicorn

from gofer.server.own_log import OwnLog
from gofer.server.own_log_ring import Wanted

PROGRAM = """
import asyncio, logging, sys, warnings
from gofer.server import correlation, own_log
log = own_log.set_up({level!r}, {form!r}, {prefix})
speaker = own_log.get_logger("gofer.test")
{body}
"""


def said(body: str, form: str = "text", level: str = "info", prefix: str = "lambda level: ''") -> list[str]:
    """The lines on stderr."""
    program = PROGRAM.format(level=level, form=form, prefix=prefix, body=body)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_text_is_logfmt() -> None:
    (line,) = said("speaker.info('run began', run='a b', count=3, ok=True, empty='', odd='a=\"b\"')")
    time, _, rest = line.partition(" ")
    assert time.startswith("timestamp=20")
    assert time.endswith("Z")
    assert rest == ('level=info event="run began" logger=gofer.test run="a b" count=3 ok=true empty="" odd="a=\\"b\\""')


def test_json_is_an_object_a_line() -> None:
    (line,) = said("speaker.warning('run began', count=3, event_='x', level_='y')", form="json")
    found = json.loads(line)
    assert list(found)[:4] == ["timestamp", "level", "event", "logger"]
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "level": "warning", "event": "run began", "logger": "gofer.test", "count": "3", "event_": "x", "level_": "y",
    }  # fmt: skip


def test_no_line_holds_what_a_terminal_obeys_or_a_second_line() -> None:
    body = "speaker.error('a\\x1b[31m\\nlevel=info event=forged', path='x\\ny\\x7f\\x9b')"
    for form in ("text", "json"):
        (line,) = said(body, form)
        assert line.isprintable()
        assert "forged" in line


def test_where_a_request_was_when_the_server_stopped_is_nobodys_fault() -> None:
    body = (
        "uvicorn = logging.getLogger('uvicorn.error')\n"
        "for error in (asyncio.CancelledError(), OSError('the disk')):\n"
        "    uvicorn.error('Exception in ASGI application', exc_info=error)"
    )
    (line,) = said(body)
    assert "the disk" in line


def test_an_answer_that_gofer_has_broken_off_is_no_fault() -> None:
    texts = [f"ASGI callable returned without completing {what}." for what in ("handshake", "response")]
    sources = "".join(path.read_text() for path in Path(uvicorn.__file__).parent.glob("protocols/*/*_impl.py"))
    assert all(text in sources for text in texts)
    body = f"for text in {[*texts, 'another']}: logging.getLogger('uvicorn.error').error(text)"
    (line,) = said(body)
    assert "another" in line


def test_an_exception_is_told_with_its_traceback() -> None:
    body = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    speaker.exception('oops')"
    (line,) = said(body, form="json")
    found = json.loads(line)
    assert (found["level"], found["event"]) == ("error", "oops")
    assert "ZeroDivisionError: division by zero" in found["exception"]
    assert "Traceback" in found["exception"]


def test_libraries_come_out_alike() -> None:
    body = (
        "logging.getLogger('uvicorn.error').warning('Invalid %s', 'request')\n"
        "logging.getLogger('uvicorn.error').info('started')\n"
        "warnings.warn('old', stacklevel=1)\n"
        "async def fail(): raise ValueError('nobody asked')\n"
        "async def main():\n"
        "    task = asyncio.ensure_future(fail()); await asyncio.sleep(0); await asyncio.sleep(0); del task\n"
        "asyncio.run(main())\n"
    )
    found = [json.loads(line) for line in said(body, form="json")]
    assert [(one["level"], one["logger"]) for one in found] == [
        ("warning", "uvicorn.error"), ("warning", "py.warnings"), ("error", "asyncio"),
    ]  # fmt: skip
    assert found[0]["event"] == "Invalid request"
    assert "nobody asked" in found[2]["exception"]


def test_levels_hold_and_can_be_changed_for_loggers_that_exist() -> None:
    body = (
        "speaker.debug('no'); assert not own_log.says_debug()\n"
        "own_log.set_level('debug'); speaker.debug('yes'); assert own_log.says_debug()\n"
        "own_log.set_level('error'); speaker.warning('no'); logging.getLogger('x').warning('no'); speaker.error('yes')"
    )
    assert [json.loads(line)["event"] for line in said(body, form="json")] == ["yes", "yes"]


def test_what_is_bound_stands_in_every_line_of_that_work_alone() -> None:
    body = (
        "async def work(one):\n"
        "    correlation.bind(one, 'default/p/' + one)\n"
        "    await asyncio.sleep(0)\n"
        "    speaker.info('mine')\n"
        "async def main(): await asyncio.gather(work('1'), work('2'))\n"
        "asyncio.run(main()); speaker.info('nobodys')\n"
    )
    found = [json.loads(line) for line in said(body, form="json")]
    assert [(one.get("correlation_id"), one.get("run")) for one in found] == [
        ("1", "default/p/1"), ("2", "default/p/2"), (None, None),
    ]  # fmt: skip


def test_secrets_are_masked_before_anybody_sees_them() -> None:
    body = (
        "log.mask = lambda text: text.replace('hunter2', '***')\n"
        "speaker.info('got hunter2', where='x hunter2 y', api_token='whatever', Password='p')\n"
        "logging.getLogger('lib').error('hunter2 too')\n"
        "assert 'hunter2' not in str(log.ring.oldest_first(__import__('gofer.server.own_log_ring', "
        "fromlist=['Wanted']).Wanted(), 0, 9).lines)\n"
    )
    first, second = said(body)
    assert 'event="got ***"' in first
    assert 'where="x *** y"' in first
    assert "api_token=*** Password=***" in first
    assert 'event="*** too"' in second


def test_what_is_no_text_can_be_sent_all_the_same() -> None:
    log = OwnLog()
    log.add("error", "gofer", "kept in \udcff", {"path": os.fsdecode(b"/data/\xff")})
    (line,) = log.ring.oldest_first(Wanted(), 0, 10).lines
    assert json.loads(msgspec.json.encode(line))["fields"] == {"path": "/data/\\udcff"}


def test_a_prefix_for_the_journal() -> None:
    lines = said("speaker.info('a'); speaker.error('b')", prefix="{'info': '<6>', 'error': '<3>'}.get")
    assert [line[:13] for line in lines] == ["<6>timestamp=", "<3>timestamp="]


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    program = PROGRAM.format(
        level="info",
        form="text",
        prefix="lambda level: ''",
        body="[speaker.info('x' * 9000) for _ in range(9)]; print(log.ring.last, flush=True)\nimport os; os._exit(0)",
    )
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, timeout=60, check=False
        )
    assert done.returncode == 0
    assert done.stdout.strip().isdigit()


def test_no_trace_of_a_crash_holds_a_hidden_value() -> None:
    body = """
import gc, threading
from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_registry import MaskRegistry
registry = MaskRegistry()
log.mask = registry.text
registry.hold(Masks(["sword" + "fish\\nsecond" + " line"]))
value = "sword" + "fish\\nsecond" + " line"
def fail():
    raise RuntimeError("with " + value)
class Broken:
    def __del__(self):
        fail()
Broken()
gc.collect()
thread = threading.Thread(target=fail)
thread.start()
thread.join()
warnings.warn("warned " + value)
async def main():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
asyncio.run(main())
print(sys.stderr.isatty(), sys.stderr.fileno(), sys.stderr.encoding, file=sys.stderr)
try:
    fail()
except RuntimeError:
    import traceback
    traceback.print_exc()
sys.excepthook(RuntimeError, RuntimeError(value), None)
"""
    text = "\n".join(said(body))
    assert "False 2 utf-8" in text
    assert text.count("***") >= 6
    assert "swordfish" not in text
    assert "second line" not in text


def test_lines_that_are_written_at_once_are_masked() -> None:
    body = "log.mask = lambda text: text.replace('swordfish', '***')\nsys.stderr.writelines(['a sword', 'fish', '\\n'])"
    assert said(body) == ["a ***"]
