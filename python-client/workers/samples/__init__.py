"""A dozen small real documents, two of which cannot be read, for the demonstration and the tests."""

from workers.samples.archive import sample_documents, write_samples

__all__ = ["sample_documents", "write_samples"]
