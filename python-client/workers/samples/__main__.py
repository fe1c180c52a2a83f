"""``python -m workers.samples OUT.zip``: write the sample documents as a ZIP archive."""

from __future__ import annotations

import sys
from pathlib import Path

from workers.samples.archive import write_samples


def main() -> None:
    """Write the archive that the command line names."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m workers.samples OUT.zip")
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    names = write_samples(path)
    print(f"{path}: {len(names)} documents")


if __name__ == "__main__":
    main()
