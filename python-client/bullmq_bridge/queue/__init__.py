"""Publishing to a queue and looking after it."""
