"""One module per document format, each with ``extract(path, transcript, limits)``."""
