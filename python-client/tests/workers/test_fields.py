from __future__ import annotations

import time

import pytest

from workers.processing.fields import find_fields


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("on 2024-02-29.", ["2024-02-29"]),
        ("at 2024-02-29T10:00:00Z", ["2024-02-29"]),
        ("2023-02-29 is no day", []),
        ("1.2.2024, 01.02.2024 and 1. 2. 2024", ["2024-02-01"]),
        ("31/12/2024 and 12/31/2024", ["2024-12-31"]),
        ("04/05/2024 may be April or May", []),
        ("05/05/2024 is May in any case", ["2024-05-05"]),
        ("15 March 2024, March 16, 2024, 17th of March 2024", ["2024-03-15", "2024-03-16", "2024-03-17"]),
        ("5. März 2024; 3. Okt. 2023", ["2024-03-05", "2023-10-03"]),
        ("version 1.2.2024.7, id 12024-01-01, 2024-01-011, 1/2024-01-01", []),
        ("10.10.1824", []),
        ("May 2024 be a good year", []),
    ],
)
def test_dates(text: str, dates: list[str]) -> None:
    assert find_fields(text, 50).dates == dates


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("1.234,50 EUR", ["1234.50 EUR"]),
        ("€ 1,234.50", ["1234.50 EUR"]),
        ("$99", ["99 USD"]),
        ("US$ 1,000,000", ["1000000 USD"]),
        ("100EUR and EUR100", ["100 EUR"]),
        ("CHF 1'000.00 or Fr. 1’000.00", ["1000.00 CHF"]),
        ("1\u202f234,5 €", ["1234.50 EUR"]),
        ("£0.50", ["0.50 GBP"]),
        ("-5,00 EUR and − 6 EUR and EUR -7", ["-5.00 EUR", "6 EUR", "-7 EUR"]),
        ("in 2024 500 EUR", ["500 EUR"]),
        ("1,234,50 EUR", []),
        ("1.2.3 EUR", []),
        ("1,23.45 EUR", []),
        ("3 EUROPE, NEUR 4", []),
        ("12 345", []),
    ],
)
def test_amounts(text: str, amounts: list[str]) -> None:
    assert find_fields(text, 50).amounts == amounts


@pytest.mark.parametrize(
    ("text", "emails"),
    [
        ("Write to A.Bee+c@Example.org, please.", ["a.bee+c@example.org"]),
        ("<a@b.co> a@b.co A@B.CO", ["a@b.co"]),
        ("mail:x_y@sub.example.co.uk!", ["x_y@sub.example.co.uk"]),
        ("a@b, @b.org, a@.org, a@b.c, a@b-.org, .a@b", []),
        ("a@b.org-x", []),
        ("trailing dot a@b.org.", ["a@b.org"]),
    ],
)
def test_emails(text: str, emails: list[str]) -> None:
    assert find_fields(text, 50).emails == emails


def test_each_value_once_in_order_and_no_more_than_asked_for() -> None:
    text = " ".join(f"u{number % 70}@example.org" for number in range(1000))
    assert find_fields(text, 3).emails == ["u0@example.org", "u1@example.org", "u2@example.org"]


@pytest.mark.parametrize(
    "text",
    [
        *("1" * 300_000, "1." * 150_000, "a" * 300_000, "a." * 150_000 + "@", "a@" + "b." * 150_000, "$-" * 150_000),
        *("1,234" * 60_000, "12 " * 100_000, "€" * 300_000, "a@" * 150_000, "1'234'" * 50_000, "a@b-" * 75_000),
    ],
    ids=lambda text: text[:8],
)
def test_no_text_makes_the_search_explode(text: str) -> None:
    started = time.process_time()
    find_fields(text, 50)
    # Linear work takes well under a second; quadratic work on 300,000 characters would take hours.
    assert time.process_time() - started < 10
