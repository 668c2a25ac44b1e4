"""Python client for the Togai events API."""

__version__ = "0.1.0"
