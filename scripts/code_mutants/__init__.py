"""Mutants of our own code: finds small changes that no test detects."""
