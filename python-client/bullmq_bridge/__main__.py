"""``python -m bullmq_bridge``."""

import sys

from bullmq_bridge.cli import main

if __name__ == "__main__":
    sys.exit(main.main())
