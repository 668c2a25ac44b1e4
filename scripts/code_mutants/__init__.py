"""Mutants of our own code: what the tests do not notice when it is removed or changed."""
