from __future__ import annotations

import pytest

from workers.processing.errors import DocumentUnreadable
from workers.processing.limits import Limits
from workers.processing.transcript import Transcript, clean_text


def test_counts_all_and_keeps_the_beginning() -> None:
    transcript = Transcript(Limits(searched_characters=10))
    for line in ("one two", "", "three  four", "five"):
        transcript.add(line)
    assert transcript.beginning() == "one two\n\nt"
    assert transcript.characters == len("one two\n\nthree  four\nfive")
    assert (transcript.words, transcript.lines) == (5, 3)


def test_refuses_more_text_than_the_limit() -> None:
    transcript = Transcript(Limits(characters=8))
    transcript.add("12345678")
    with pytest.raises(DocumentUnreadable, match="more than 8 characters"):
        transcript.add("")


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("a\x00b\x07\tc\n", "ab\tc\n"),
        ("a\r\nb\rc\fd", "a\nb\nc\nd"),
        ("\ud83d\ude80", "🚀"),
        ("x\ud83dy", "x\ufffdy"),
        ("👩‍💻", "👩‍💻"),
    ],
)
def test_cleaned_text_can_be_stored_anywhere(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean
    clean_text(dirty).encode()
