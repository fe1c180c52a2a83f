"""Extraction and aggregation: synchronous code that knows nothing of queues."""
