"""Key fields in a text: dates, amounts of money, e-mail addresses.

Only what can be read in one way is taken. A wrong date in a report is worse than a missing one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner",
            "february feb februar",
            "march mar märz mrz",
            "april apr",
            "may mai",
            "june jun juni",
            "july jul juli",
            "august aug",
            "september sep sept",
            "october oct oktober okt",
            "november nov",
            "december dec dezember dez",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"

_DATE = re.compile(
    rf"""
    (?<![\w./-])(?:
        (?P<iso_year>{_YEAR})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)
      | (?P<dot_day>\d\d?)\.\ ?(?P<dot_month>\d\d?)\.\ ?(?P<dot_year>{_YEAR})
      | (?P<slash_first>\d\d?)/(?P<slash_second>\d\d?)/(?P<slash_year>{_YEAR})
      | (?P<day>\d\d?)(?:st|nd|rd|th|\.)?\ (?:of\ )?(?P<month>{_MONTH})\.?,?\ (?P<year>{_YEAR})
      | (?P<us_month>{_MONTH})\.?\ (?P<us_day>\d\d?)(?:st|nd|rd|th)?,?\ (?P<us_year>{_YEAR})
    )(?:(?=T\d\d:)|(?![\w/-]|\.\d))
    """,
    re.VERBOSE | re.IGNORECASE,
)

_CURRENCIES = {"€": "EUR", "$": "USD", "US$": "USD", "£": "GBP", "¥": "JPY", "Fr.": "CHF"}
_CODES = "EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|CNY|INR|BRL"
_CURRENCY = rf"(?:[€£¥]|(?:US)?\$|Fr\.|(?<![A-Za-z])(?:{_CODES})(?![A-Za-z]))"
# An ordinary space between groups of digits is not accepted: "in 2024 500 EUR" is no two million.
_NUMBER = r"""(?:\d{1,3}(?:[.,'’\u00a0\u202f]\d{3}){1,4}|\d{1,12})(?:[.,]\d{1,2})?"""
_AMOUNT = re.compile(
    rf"""
    (?P<before>{_CURRENCY})[\ \u00a0]?(?P<sign_after>[-−])?(?P<number_after>{_NUMBER})(?![\d.,'’]*\d)
  | (?<![\w.,'’])(?P<sign_first>[-−])?(?P<number_first>{_NUMBER})[\ \u00a0]?(?P<after>{_CURRENCY})
    """,
    re.VERBOSE,
)
_DECIMALS = re.compile(r"[.,](\d{1,2})$")

_EMAIL = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_+-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)


@dataclass(frozen=True)
class Fields:
    """Values in the order of their first appearance, each once."""

    dates: list[str]
    """``YYYY-MM-DD``."""
    amounts: list[str]
    """Plain decimal number and ISO currency code, such as ``1234.50 EUR``."""
    emails: list[str]
    """In lower case."""


def find_fields(text: str, most: int) -> Fields:
    """Find the fields in `text`, at most `most` different values of each."""
    return Fields(
        dates=_first(_dates(text), most),
        amounts=_first(_amounts(text), most),
        emails=_first((match[0].lower() for match in _EMAIL.finditer(text)), most),
    )


def _first(values: Iterator[str], most: int) -> list[str]:
    different: dict[str, None] = {}
    for value in values:
        different[value] = None
        if len(different) == most:
            break
    return list(different)


def _dates(text: str) -> Iterator[str]:
    for match in _DATE.finditer(text):
        found = _date(match.groupdict())
        if found is not None:
            yield found.isoformat()


def _date(part: dict[str, str | None]) -> date | None:
    if part["iso_year"]:
        return _valid(part["iso_year"], part["iso_month"], part["iso_day"])
    if part["dot_year"]:
        return _valid(part["dot_year"], part["dot_month"], part["dot_day"])
    if part["slash_year"]:
        day_first = _valid(part["slash_year"], part["slash_second"], part["slash_first"])
        month_first = _valid(part["slash_year"], part["slash_first"], part["slash_second"])
        # 04/05/2024 is in April or in May, by the country of its writer: left out.
        if day_first and month_first and day_first != month_first:
            return None
        return day_first or month_first
    name = (part["month"] or part["us_month"] or "").lower()
    return _valid(part["year"] or part["us_year"], str(_MONTHS[name]), part["day"] or part["us_day"])


def _valid(year: str | None, month: str | None, day: str | None) -> date | None:
    try:
        return date(int(year or 0), int(month or 0), int(day or 0))
    except ValueError:
        return None


def _amounts(text: str) -> Iterator[str]:
    for match in _AMOUNT.finditer(text):
        number = _number(match["number_after"] or match["number_first"])
        if number is not None:
            sign = "-" if match["sign_after"] or match["sign_first"] else ""
            symbol = match["before"] or match["after"]
            yield f"{sign}{number} {_CURRENCIES.get(symbol, symbol)}"


def _number(written: str) -> str | None:
    """Return `written` with a point before its decimals and nothing between its thousands."""
    decimals = _DECIMALS.search(written)
    whole = written[: decimals.start()] if decimals else written
    separators = {character for character in whole if not character.isdigit()}
    # One sign cannot part both the thousands and the decimals, and the thousands are parted by one sign only.
    if len(separators) > 1 or (decimals and decimals[0][0] in separators):
        return None
    digits = "".join(character for character in whole if character.isdigit()).lstrip("0") or "0"
    return f"{digits}.{decimals[1].ljust(2, '0')}" if decimals else digits
