import json
import logging

import pytest
import structlog

from contract.asgi import started
from llm_schema_registry.server.settings import LogLevel
from llm_schema_registry.server.telemetry.logs import configure_logs


async def test_a_fault_is_logged_with_its_request_and_without_its_body(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_options: object) -> None:
        raise ZeroDivisionError

    async with started() as call:
        monkeypatch.setattr(type(call.registry.store), "versions", fails)
        body = {"schema": '"string"', "metadata": {"properties": {"password": "hunter2"}}}
        await call("POST", "/subjects/s/versions", body, {"X-Request-ID": "mine", "Authorization": "Basic aHVudGVyMg"})
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"]) == ("request failed", "error")
    assert (record["method"], record["endpoint"], record["request_id"]) == (
        "POST",
        "/subjects/{subject}/versions",
        "mine",
    )
    assert "ZeroDivisionError" in record["exception"]
    assert "hunter2" not in line
    assert "aHVudGVyMg" not in line


async def test_requests_are_logged_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    async with started(log_level="debug") as call:
        await call("GET", "/subjects/secret/versions")
    record = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (record["event"], record["endpoint"], record["status"]) == ("request", "/subjects/{subject}/versions", 404)
    assert "secret" not in json.dumps(record)


def test_records_of_libraries_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogLevel.INFO)
    logging.getLogger("uvicorn.error").error("something %s", "happened")
    structlog.get_logger().info("our own")
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events == ["something happened", "our own"]
