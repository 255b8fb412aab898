"""What a cron expression means, day by day, and how a wrong one is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_triggers.cron.expression import doubts, parse

BEGIN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def following(expression: str, count: int = 3, begin: datetime = BEGIN) -> list[str]:
    """The first times after `begin`, on a wall that shows UTC."""
    parsed, found, wall = parse(expression), [], int(begin.timestamp())
    for _turn in range(count):
        after = parsed.at_or_after(wall + 1)
        if after is None:
            break
        found.append(datetime.fromtimestamp(after, UTC).strftime("%Y-%m-%d %H:%M"))
        wall = after
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/20 * * * *", ["2026-11-22 03:20", "2026-11-22 03:40", "2026-11-22 04:00"]),
        ("5,35 8-9 * * *", ["2026-11-22 08:05", "2026-11-22 08:35", "2026-11-22 09:05"]),
        ("0 9-17/4 * * mon-fri", ["2026-11-23 09:00", "2026-11-23 13:00", "2026-11-23 17:00"]),
        ("50/5 4 * * *", ["2026-11-22 04:50", "2026-11-22 04:55", "2026-11-23 04:50"]),
        ("0 0 * * 7", ["2026-11-29 00:00", "2026-12-06 00:00", "2026-12-13 00:00"]),
        ("0 0 * * sat-sun", ["2026-11-28 00:00", "2026-11-29 00:00", "2026-12-05 00:00"]),
        ("0 0 * * 5-7", ["2026-11-27 00:00", "2026-11-28 00:00", "2026-11-29 00:00"]),
        ("0 0 31 * *", ["2026-12-31 00:00", "2027-01-31 00:00", "2027-03-31 00:00"]),
        ("0 0 29 feb *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        # Both days restricted: one of them is enough. One with *, though with a step: both are needed.
        ("0 0 1 * fri", ["2026-11-27 00:00", "2026-12-01 00:00", "2026-12-04 00:00"]),
        ("0 0 */2 * fri", ["2026-11-27 00:00", "2026-12-11 00:00", "2026-12-25 00:00"]),
        ("0 1 25 12 * 2030", ["2030-12-25 01:00"]),
        ("0 0 1 JAN * 2027-2031/2", ["2027-01-01 00:00", "2029-01-01 00:00", "2031-01-01 00:00"]),
        ("0 0 1 1 * *", ["2027-01-01 00:00", "2028-01-01 00:00", "2029-01-01 00:00"]),
        ("@hourly", ["2026-11-22 04:00", "2026-11-22 05:00", "2026-11-22 06:00"]),
        ("@daily", ["2026-11-23 00:00", "2026-11-24 00:00", "2026-11-25 00:00"]),
        ("@midnight", ["2026-11-23 00:00", "2026-11-24 00:00", "2026-11-25 00:00"]),
        ("@weekly", ["2026-11-29 00:00", "2026-12-06 00:00", "2026-12-13 00:00"]),
        (" @Monthly ", ["2026-12-01 00:00", "2027-01-01 00:00", "2027-02-01 00:00"]),
        ("@yearly", ["2027-01-01 00:00", "2028-01-01 00:00", "2029-01-01 00:00"]),
        ("@annually", ["2027-01-01 00:00", "2028-01-01 00:00", "2029-01-01 00:00"]),
    ],
)
def test_times(expression: str, expected: list[str]) -> None:
    assert following(expression) == expected


@pytest.mark.parametrize(
    "never", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *", "0 0 1 1 * 2026", "0 0 29 2 * 2027,2029-2031"]
)
def test_an_expression_that_never_fires_has_no_time(never: str) -> None:
    assert following(never) == []


def test_the_longest_wait_is_forty_years() -> None:
    # 29 February on a Sunday; 2100 has no such day.
    assert following("0 0 29 2 */7", 1, datetime(2088, 3, 1, tzinfo=UTC)) == ["2128-02-29 00:00"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            "",
            "has 0 fields. An expression has five: minute, hour, day of month, month, day of week; or six, with",
        ),
        ("* * * *", "has 4 fields"),
        ("* * * * * * *", "has 7 fields"),
        ("60 * * * *", "minute: 60 is not between 0 and 59. Allowed are *, numbers from 0 to 59, ranges (0-2)"),
        ("* 24 * * *", "hour: 24 is not between 0 and 23"),
        ("* * 0 * *", "day of month: 0 is not between 1 and 31"),
        ("* * L * *", 'day of month: "L" is not understood. Allowed are'),
        ("* * ? * *", 'day of month: "?" is not understood'),
        ("* * 15W * *", 'day of month: "15W" is not understood'),
        ("* * * 13 *", "month: 13 is not between 1 and 12. Allowed are *, numbers from 1 to 12, names (jan to dec)"),
        ("* * * foo *", 'month: "foo" is not understood'),
        ("* * * * 8", "day of week: 8 is not between 0 and 7"),
        ("* * * * mon#2", 'day of week: "mon#2" is not understood'),
        (
            "* * * * * 30",
            "year: 30 is not between 1970 and 2199. Allowed are *, numbers from 1970 to 2199, ranges (2030-2032)",
        ),
        ("*/5 * * * * 0", "The sixth field is the year: there are no seconds."),
        ("* 22-2 * * *", 'hour: the range "22-2" runs backwards. Write two, such as 22-23,0-2.'),
        ("*/0 * * * *", "minute: the step /0 is not between 1 and 59"),
        ("*/90 * * * *", "minute: the step /90 is not between 1 and 59"),
        ("1,,2 * * * *", 'minute: "" is not understood'),
        ("*-5 * * * *", 'minute: "*-5" is not understood'),
        ("-5 * * * *", 'minute: "-5" is not understood'),
        ("١ * * * *", 'minute: "١" is not understood'),
        ("9" * 900 + " * * * *", "is not between 0 and 59"),
        ("* " * 600, "1200 characters; 1000 is the most"),
        ("@reboot", '"@reboot" is not known. Short forms are @hourly, @daily'),
        ("@every 5m", "Use the trigger `interval` for it."),
    ],
)
def test_a_wrong_expression_is_refused_by_field(wrong: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        parse(wrong)
    assert words in str(refused.value)


def test_six_fields_with_a_star_last_look_like_seconds() -> None:
    assert "there are no seconds" in doubts("0 */5 * * * *")[0]
    assert doubts("0 5 * * *") == doubts("0 5 * * * 2030") == []


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """What may stand in a field, as croniter understands it too (it takes a range of one value for *)."""
    number = st.integers(low, high)
    pair = st.lists(number, min_size=2, max_size=2, unique=True).map(sorted)
    some = st.one_of(number.map(str), pair.map(lambda two: f"{two[0]}-{two[1]}"))
    steps = st.tuples(pair, st.integers(1, high - low)).map(lambda one: f"{one[0][0]}-{one[0][1]}/{one[1]}")
    lists = st.lists(some | steps, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), st.integers(1, high - low).map(lambda step: f"*/{step}"), lists)


DAYS = st.sampled_from(["*", "1", "1-5", "0,6", "mon,wed", "tue-sat"])
EXPRESSIONS = st.tuples(field(0, 59), field(0, 23), field(1, 28), field(1, 12), DAYS).map(" ".join)


@settings(derandomize=True, deadline=None)
@given(EXPRESSIONS, st.integers(1_577_836_800, 2_840_140_800))
def test_in_utc_it_is_what_croniter_says(expression: str, second: int) -> None:
    """An implementation that is not ours. It takes a step from * for a restriction of the day: that is left out."""
    if "*/" in expression.split()[2] and expression.split()[4] != "*":
        return
    begin = datetime.fromtimestamp(second, UTC)
    other = croniter(expression, begin)
    expected = [other.get_next(datetime).strftime("%Y-%m-%d %H:%M") for _turn in range(4)]
    assert following(expression, 4, begin) == expected


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=40) | st.lists(st.text("0123456789*/,-LW?#@ajn", max_size=6), max_size=7).map(" ".join))
def test_any_text_is_an_expression_or_refused_with_words(text: str) -> None:
    try:
        parsed = parse(text)
    except ValueError as error:
        words = str(error)
    else:
        words = "It is one."
        wall = int(BEGIN.timestamp())
        found = parsed.at_or_after(wall)
        assert found is None or wall <= found < wall + timedelta(days=366 * 174).total_seconds()
    assert words.endswith(".")
    assert words[0].isalnum() or words[0] == '"'
