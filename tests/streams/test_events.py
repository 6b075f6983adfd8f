"""Events: some of them, at other times or with other lines, stay beside what they are about."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

from fauxpay.streams.envelope import Events, completed, json_schema

RUN_ID = "ab" * 10


def events(count: int = 6) -> Events:
    """Events of a letter each."""
    names = [chr(97 + nth) for nth in range(count)]
    nth = np.arange(count)
    return Events(
        pa.array([f"{name}\n" for name in names], pa.large_string()),
        pa.array(names),
        *(nth + 10, nth % 2, nth + 20, nth + 30),
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (slice(2, 5), "cde"),
        (slice(4, None), "ef"),
        (slice(3, 3), ""),
        (np.array([True, False, False, True, False, True]), "adf"),
        (np.array([5, 0, 0]), "faa"),
    ],
)
def test_some_events_are_taken_whole(rows, expected):
    """Lines, ids and numbers of the same events, and the text is of them alone."""
    some = events().take(rows)
    again = some.take(slice(0, len(some))).take(slice(1, None))
    for own, letters in ((some, expected), (again, expected[1:])):
        assert bytes(own.text()).decode() == "".join(f"{one}\n" for one in letters)
        assert own.id.to_pylist() == list(letters)
        place = [ord(one) - 97 for one in letters]
        assert own.key.tolist() == [nth + 10 for nth in place]
        assert own.kind.tolist() == [nth % 2 for nth in place]
        assert own.sequence.tolist() == [nth + 20 for nth in place]
        assert own.time_us.tolist() == [nth + 30 for nth in place]
        assert len(own) == len(letters)


def test_other_lines_stand_in_their_rows():
    """In the order in which they are given; times move without a line."""
    made = events().with_lines(np.array([1, 4]), pa.array(["x\n", "y\n"], pa.large_string()))
    assert bytes(made.text()) == b"a\nx\nc\nd\ny\nf\n"
    later = made.at(made.time_us + 5)
    assert later.time_us.tolist() == [35, 36, 37, 38, 39, 40]
    assert bytes(later.text()) == bytes(made.text())


def end() -> Any:
    """The event that ends a stream."""
    data = {"transaction": 4, "label": 2, "sha256": "cd" * 32}
    return json.loads(completed(RUN_ID, 6, data))


BREAKS: dict[str, Any] = {
    "no digest": lambda event: event["data"].pop("sha256"),
    "no count": lambda event: event["data"].pop("label"),
    "more data": lambda event: event["data"].update(more=1),
    "a count below nought": lambda event: event["data"].update(label=-1),
    "more": lambda event: event.update(more=1),
    "no id": lambda event: event.pop("id"),
    "another type": lambda event: event.update(type="fauxpay.transaction"),
    "a short sequence": lambda event: event.update(sequence="6"),
    "another source": lambda event: event.update(source="/fauxpay/runs/x"),
}


@pytest.mark.parametrize("how", BREAKS)
def test_the_end_of_a_stream_keeps_its_schema(how):
    """As it is written it satisfies it; a member less, more or other does not."""
    validator = jsonschema.Draft202012Validator(json_schema())
    event = end()
    assert validator.is_valid(event)
    broken = copy.deepcopy(event)
    BREAKS[how](broken)
    assert not validator.is_valid(broken)
