"""The processes of the server: supervisor, workers, shutdown, and work that leaves the event loop."""
