"""The benchmark: what the client costs beside its rivals, measured in one run and reported as ratios."""
