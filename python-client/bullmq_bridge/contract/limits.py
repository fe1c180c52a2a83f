"""How long a payload may be. The same limits hold in TypeScript; ``docs/gates.md`` lists them."""

from __future__ import annotations

MAX_DATA_BYTES = 16 * 2**20
MAX_RESULT_BYTES = 16 * 2**20
MAX_PROGRESS_BYTES = 2**20
MAX_LOG_LINE_BYTES = 64 * 2**10
MAX_STACK_BYTES = 64 * 2**10


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and its end with a note between them when it is longer than ``limit`` bytes."""
    # A character has four bytes at most: short texts need not be encoded to be measured.
    if len(text) * 4 <= limit:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return text
    note = f"\n… {len(encoded)} bytes, cut to {limit} …\n"
    half = max(0, limit - len(note.encode())) // 2
    return encoded[:half].decode("utf-8", "ignore") + note + encoded[len(encoded) - half :].decode("utf-8", "ignore")
