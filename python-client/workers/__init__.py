"""The reference processors: documents in, text and a batch report out.

What lies under ``processing`` is plain synchronous code that knows nothing of queues. ``queue_worker`` runs it as
BullMQ jobs, ``http_worker`` as requests; both lead to the same rows.
"""
