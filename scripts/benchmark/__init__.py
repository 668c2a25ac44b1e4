"""The benchmark: the time of the client compared with alternatives, measured in one run and reported as ratios."""
