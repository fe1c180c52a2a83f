"""Contracts: the schemas that the TypeScript side emitted, and the JSON that both languages agree on."""
