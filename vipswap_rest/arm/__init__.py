"""The thin ARM client: requests, long-running operations, credentials and errors. It knows nothing of switching."""

__version__ = "0.1.0"
