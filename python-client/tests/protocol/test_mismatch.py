from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from bullmq_bridge.protocol.mismatch import Consequence, Relation, judge, version_of

DOCUMENT = (Path(__file__).parents[3] / "docs" / "mismatch.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("bundle", "written", "relation", "consequence"),
    [
        ("6.7.0", "bullmq:6.7.0", "same", "silence"),
        ("6.7.0", "bullmq:6.7.1", "other_release", "warning"),
        ("6.7.0", "bullmq:6.0.0", "other_release", "warning"),
        ("6.7.0", "bullmq:6.8.0-rc.1", "other_release", "warning"),
        ("5.81.5", "bullmq:5.58.0", "other_release", "warning"),
        ("6.7.0", "bullmq:5.81.5", "other_major", "refusal"),
        ("5.81.5", "bullmq:6.0.0", "other_major", "refusal"),
        ("6.7.0", "bullmq:7.0.0", "other_major", "refusal"),
        ("6.7.0", "bullmq:16.0.0", "other_major", "refusal"),
        ("5.81.5", "bullmq:5.57.2", "too_old", "refusal"),
        ("5.81.5", "bullmq:5.6.0", "too_old", "refusal"),
        ("6.7.0", "bullmq:4.18.3", "too_old", "refusal"),
        ("6.7.0", "bullmq", "too_old", "refusal"),
        ("6.7.0", "bullmq-pro:7.38.5", "pro", "refusal"),
        ("6.7.0", "bullmq-pro", "pro", "refusal"),
        ("6.7.0", "lizard:6.7.0", "other_library", "warning"),
        ("6.7.0", None, "not_written", "note"),
        ("6.7.0", "", "not_written", "note"),
    ],
)
def test_what_the_backend_wrote_is_judged(
    bundle: str, written: str | None, relation: Relation, consequence: Consequence
) -> None:
    verdict = judge(bundle, written)
    assert (verdict.relation, verdict.consequence) == (relation, consequence)
    allowed = judge(bundle, written, allowed=True)
    assert allowed.relation == relation
    assert allowed.consequence == ("warning" if consequence == "refusal" else consequence)
    assert allowed.message.startswith(verdict.message)


@pytest.mark.parametrize("written", ["bullmq:5.81.5", "bullmq:5.1.0", "bullmq-pro:7.38.5"])
def test_a_refusal_names_both_the_version_and_what_overrides_it(written: str) -> None:
    message = judge("6.7.0", written).message
    assert written.rpartition(":")[2] in message
    assert "BULLMQ_BRIDGE_ALLOW_VERSION_MISMATCH=true" in message


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("bullmq:6.7.0", "6.7.0"),
        ("bullmq:6.8.0-rc.1", "6.8.0-rc.1"),
        ("bullmq-pro:7.38.5", None),
        ("bullmq", None),
        ("bullmq:new", None),
        (None, None),
    ],
)
def test_the_version_of_bullmq_is_read_from_what_was_written(written: str | None, version: str | None) -> None:
    assert version_of(written) == version


def test_every_relation_has_its_row_in_the_documentation() -> None:
    _, _, rest = DOCUMENT.partition("\n| relation | the field |")
    rows = [row.split("|")[1].strip().strip("`") for row in rest.partition("\n\n")[0].splitlines()[2:]]
    assert list(dict.fromkeys(rows)) == list(get_args(Relation))
