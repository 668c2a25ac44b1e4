"""The bench: what the client costs beside its rivals, measured in one run and told as ratios."""
