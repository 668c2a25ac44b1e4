"""The exam: mutant descriptions test the bump, and the facade above the package that it generates."""
