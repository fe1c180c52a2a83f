import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bullmq_bridge.protocol import bundle as bundle_module
from bullmq_bridge.protocol.bundle import (
    BUNDLE_VARIABLE,
    KNOWN_VARIANTS,
    BundleError,
    load_bundle,
    packaged_bundles,
    version_numbers,
)


def write(path: Path, bullmq: str = "6.7.0", **changes: Any) -> Path:
    source = "return 1"
    script = {
        "keys": 11,
        "sha1": hashlib.sha1(source.encode()).hexdigest(),
        "variant": "moveToActive-11",
        "source": source,
        **changes,
    }
    path.write_text(json.dumps({"bullmq": bullmq, "scripts": {"moveToActive": script}}))
    return path


def test_a_bundle_gives_its_scripts_by_name(tmp_path: Path) -> None:
    bundle = load_bundle(write(tmp_path / "bundle.json"))
    assert bundle.bullmq == "6.7.0"
    assert bundle.script("moveToActive").keys == 11


def test_the_environment_names_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUNDLE_VARIABLE, str(write(tmp_path / "bundle.json")))
    assert list(load_bundle().scripts) == ["moveToActive"]


def test_the_packaged_bundle_has_every_script_that_is_called() -> None:
    bundle = load_bundle()
    assert bundle.scripts.keys() >= {variant.partition("-")[0] for variant in KNOWN_VARIANTS}


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the bundles that came with the library: 6.7.0 and 5.81.5."""
    monkeypatch.delenv(BUNDLE_VARIABLE, raising=False)
    monkeypatch.setattr(bundle_module, "PACKAGED_BUNDLE", write(tmp_path / "bundle.json"))
    write(tmp_path / "bundle-5.json", bullmq="5.81.5")
    return tmp_path


@pytest.mark.parametrize(
    ("backend", "taken"),
    [(None, "6.7.0"), ("6.0.3", "6.7.0"), ("5.58.0", "5.81.5"), ("5.99.0-rc.1", "5.81.5"), ("7.1.0", "6.7.0")],
)
def test_of_several_packaged_bundles_the_one_of_the_backends_major_version_is_taken(
    packaged: Path, backend: str | None, taken: str
) -> None:
    assert load_bundle(backend=backend).bullmq == taken
    assert packaged_bundles() == [packaged / "bundle.json", packaged / "bundle-5.json"]


def test_a_bundle_that_was_named_is_taken_whatever_the_backend_runs(packaged: Path) -> None:
    assert load_bundle(packaged / "bundle.json", backend="5.81.5").bullmq == "6.7.0"


def test_versions_are_compared_as_numbers() -> None:
    assert version_numbers("5.58.10") > version_numbers("5.58.9") > version_numbers("5.9.0-beta.2")


def test_a_missing_bundle_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="bullmq-bridge emit"):
        load_bundle(tmp_path / "none.json")


def test_a_source_that_was_changed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"moveToActive.*SHA1"):
        load_bundle(write(tmp_path / "bundle.json", source="return 2"))


def test_a_variant_that_is_not_known_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="moveToActive as variant moveToActive-12"):
        load_bundle(write(tmp_path / "bundle.json", variant="moveToActive-12"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bullmq":"6.7.0","scripts":{"x":{}}}'])
def test_a_damaged_bundle_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bundle.json"
    file.write_text(text)
    with pytest.raises(BundleError, match="emit it again"):
        load_bundle(file)


def test_a_script_that_the_bundle_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="retryJob"):
        load_bundle(write(tmp_path / "bundle.json")).script("retryJob")
