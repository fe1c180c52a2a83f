"""The worker: the engine that speaks with Redis, and the slots in which processors run."""
