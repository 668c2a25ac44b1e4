"""Sending a request: attempts, retries, rate limit, token and connections."""
