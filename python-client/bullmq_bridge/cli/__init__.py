"""The command line: ``python -m bullmq_bridge``."""
