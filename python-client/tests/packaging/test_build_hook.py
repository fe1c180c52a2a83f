"""What the wheel and the sdist carry, and when they refuse to be built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BUNDLE = "bullmq_bridge/protocol/bundle.json"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the Python project, with a bundle that no other test writes."""
    copy = tmp_path / "python-client"
    copy.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "LICENSE"):
        shutil.copy(PROJECT / name, copy)
    for name in ("bullmq_bridge", "workers"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "bundle*.json"))
    (copy / BUNDLE).write_text(json.dumps({"bullmq": "6.7.0", "scripts": {"moveToActive": {}}}))
    # As in the repository: git ignores the bundle, which must not keep it out of the packages.
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(f"python-client/{BUNDLE}\n")
    return copy


def build(project: Path, target: str) -> Path:
    """Build one package of `project` in a process of its own and return its path."""
    result = run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", "out", cwd=project)
    assert result.returncode == 0, result.stdout
    (built,) = (project / "out").iterdir()
    return built


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_the_wheel_holds_the_library_with_its_bundle_and_nothing_else(project: Path) -> None:
    with zipfile.ZipFile(build(project, "wheel")) as wheel:
        names = wheel.namelist()
    assert BUNDLE in names
    assert "bullmq_bridge/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"bullmq_bridge", "bullmq_bridge-0.1.0.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_an_sdist_carries_the_bundle_so_that_its_wheel_needs_no_node(project: Path, tmp_path: Path) -> None:
    with tarfile.open(build(project, "sdist")) as sdist:
        sdist.extractall(tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert not (unpacked / "workers").exists()
    with zipfile.ZipFile(build(unpacked, "wheel")) as wheel:
        assert BUNDLE in wheel.namelist()


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_without_the_bundle_nothing_is_built(project: Path, target: str) -> None:
    (project / BUNDLE).unlink()
    result = run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", "out", cwd=project)
    assert result.returncode != 0
    assert f"protocol bundle {BUNDLE} is missing" in result.stdout
    assert "npm run emit" in result.stdout


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"scripts": {}}'])
def test_a_file_that_is_no_bundle_is_refused(project: Path, content: str) -> None:
    (project / BUNDLE).write_text(content)
    result = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out", cwd=project)
    assert result.returncode != 0
    assert BUNDLE in result.stdout
    assert "npm run emit" in result.stdout


def test_an_editable_install_may_come_before_the_bundle(project: Path) -> None:
    (project / BUNDLE).unlink()
    script = (
        "from hatch_build import ProtocolBundleHook\n"
        "ProtocolBundleHook('.', {}, None, None, '', 'wheel').initialize('editable', {})\n"
    )
    result = run(sys.executable, "-c", script, cwd=project)
    assert result.returncode == 0, result.stdout
    assert "npm run emit" in result.stdout
