"""The exam: mutant descriptions against the ratchet, and against the facade above what it generates."""
