from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from workers.samples import sample_documents

PYTHON_CLIENT = Path(__file__).resolve().parents[2]


def test_the_command_writes_an_archive_with_folders(tmp_path: Path) -> None:
    archive = tmp_path / "new" / "samples.zip"
    finished = subprocess.run(
        [sys.executable, "-m", "workers.samples", str(archive)],
        cwd=PYTHON_CLIENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"{archive}: 12 documents\n"
    with zipfile.ZipFile(archive) as samples:
        assert samples.testzip() is None
        files = [name for name in samples.namelist() if not name.endswith("/")]
        assert sorted(files) == sorted(sample_documents())
        assert "broken/" in samples.namelist()


def test_the_command_without_a_file_says_how_to_call_it() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "workers.samples"],
        cwd=PYTHON_CLIENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr == "usage: python -m workers.samples OUT.zip\n"


def test_the_same_bytes_every_time(samples: dict[str, bytes]) -> None:
    assert sample_documents() == samples
