"""Dates as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stance.extract.dates import dates_of, is_date, to_iso

NOON = datetime(2019, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2019-05-03T10:15:00.000+0200", "2019-05-03T10:15:00+02:00"),
        ("2019-05-03 10:15:00Z", "2019-05-03T10:15:00+00:00"),
        ("2019-05-03, 10:15 PM", "2019-05-03T22:15:00"),
        ("Fri, 03 May 2019 10:15:00 +0100", "2019-05-03T10:15:00+01:00"),
        ("Fri May 03 10:15:00 +0000 2019", "2019-05-03T10:15:00+00:00"),
        ("Fri May 3 10:15:00 2019", "2019-05-03T10:15:00"),
        ("May 3rd, 2019 at 10:15 am", "2019-05-03T10:15:00"),
        ("10:15 AM on May 3, 2019", "2019-05-03T10:15:00"),
        ("3. Mai 2019 um 10:15 Uhr", "2019-05-03T10:15:00"),
        ("le 3 décembre 2019 à 15h45", "2019-12-03T15:45:00"),
        ("3 de mayo de 2019 a las 10:15", "2019-05-03T10:15:00"),
        ("3 maggio 2019, 10:15", "2019-05-03T10:15:00"),
        ("3 мая 2019 в 10:15", "2019-05-03T10:15:00"),
        ("2019年5月3日 10:15", "2019-05-03T10:15:00"),
        ("3 Mayıs 2019", "2019-05-03T00:00:00"),
        ("03.05.2019 10:15", "2019-05-03T10:15:00"),
        ("Fri, 05/03/2019 - 10:15", "2019-05-03T10:15:00"),
        ("05-13-2019, 10:15 AM", "2019-05-13T10:15:00"),
        ("1556878500", "2019-05-03T10:15:00+00:00"),
        ("1556878500000", "2019-05-03T10:15:00+00:00"),
        ("3 hours ago", None),
        ("99 May 2019", None),
        ("", None),
    ],
)
def test_a_date_is_read_as_iso_8601(written: str, iso: str | None) -> None:
    assert to_iso(written) == iso


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("3 hours ago", "2019-05-04T09:00:00+00:00"),
        ("2d ago", "2019-05-02T12:00:00+00:00"),
        ("yesterday", "2019-05-03"),
    ],
)
def test_a_relative_date_needs_the_time_of_capture(written: str, iso: str) -> None:
    assert (to_iso(written), to_iso(written, NOON)) == (None, iso)


def test_one_clear_date_tells_the_order_of_all_on_the_page() -> None:
    assert dates_of(["03/04/2019", "03/17/2019"], None) == ["2019-03-04T00:00:00", "2019-03-17T00:00:00"]


@pytest.mark.parametrize("line", ["May 3, 2019", "Posted on 3 May 2019, 10:15", "2 days ago", "Fri 3 May 2019"])
def test_a_line_with_nothing_but_a_date_is_one(line: str) -> None:
    assert is_date(line)


@pytest.mark.parametrize("line", ["In May 2019 it rained", "Ada, May 3, 2019", "3 phones and a mast", ""])
def test_a_line_with_more_than_a_date_is_none(line: str) -> None:
    assert not is_date(line)
