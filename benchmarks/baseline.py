"""The yardstick: the web framework answering a constant, on the same HTTP server with the same settings."""

from litestar import Litestar, get

ANSWER: dict[str, str | int] = {"subject": "telemetry.inference", "id": 1, "version": 1, "schema": "x" * 900}


@get("/", sync_to_thread=False)
def constant() -> dict[str, str | int]:
    return ANSWER


app = Litestar([constant], openapi_config=None, logging_config=None)
