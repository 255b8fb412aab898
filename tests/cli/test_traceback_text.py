"""A traceback is cut down to the frames of who reads it."""

from __future__ import annotations

from gofer.cli.traceback_text import trimmed

FOREIGN = ["/usr/lib/python3.11"]

TEXT = """\
a remark
Traceback (most recent call last):
  File "/home/me/pipeline.py", line 3, in <module>
    f()
    ^^^
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "<frozen importlib._bootstrap>", line 241, in _call
ValueError: no
and more"""


def test_foreign_frames_go_and_the_rest_stays() -> None:
    assert (
        trimmed(TEXT, FOREIGN)
        == """\
a remark
Traceback (most recent call last):
  File "/home/me/pipeline.py", line 3, in <module>
    f()
    ^^^
ValueError: no
and more"""
    )


def test_a_chain_of_tracebacks_is_trimmed_in_each_part() -> None:
    chain = TEXT + "\n\nThe above exception was the direct cause of the following exception:\n\n" + TEXT
    assert trimmed(chain, FOREIGN).count("json/__init__") == 0
    assert trimmed(chain, FOREIGN).count("/home/me/pipeline.py") == 2


def test_a_traceback_of_foreign_frames_only_stays_whole() -> None:
    text = TEXT.replace("/home/me", "/usr/lib/python3.11")
    assert trimmed(text, FOREIGN) == text


def test_a_folder_whose_name_only_begins_alike_is_not_foreign() -> None:
    text = TEXT.replace("/home/me", "/usr/lib/python3.11-mine")
    assert "/usr/lib/python3.11-mine/pipeline.py" in trimmed(text, FOREIGN)


def test_text_without_a_traceback_is_not_changed() -> None:
    assert trimmed('  File "x", line 1\nSyntaxError: no', FOREIGN) == '  File "x", line 1\nSyntaxError: no'
