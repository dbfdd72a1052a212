"""Sensitive metadata over HTTP: answered in clear, kept sealed."""

from pathlib import Path

from contract.asgi import started

KEY = "a" * 43 + "="
S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
METADATA = {"properties": {"owner": "owner@example.org", "team": "cost"}, "sensitive": ["owner"]}
JSON = {"Content-Type": "application/json"}


async def test_what_is_sensitive_is_answered_and_not_found_in_the_files(tmp_path: Path) -> None:
    async with started(store=f"sqlite:///{tmp_path}/registry.db", metadata_key=KEY) as call:
        body = {"schema": S1, "metadata": METADATA}
        registered = await call("POST", "/subjects/s/versions", body, JSON)
        assert registered.json["metadata"] == METADATA
        assert (await call("POST", "/subjects/s", body, JSON)).json["version"] == 1
        assert (await call("GET", "/subjects/s/versions/1")).json["metadata"] == METADATA
        assert (await call("GET", "/schemas/ids/1")).json["metadata"] == METADATA
        found = await call("GET", "/subjects/s/metadata?key=owner&value=owner@example.org")
        assert found.json["version"] == 1
        await call("PUT", "/config/s", {"defaultMetadata": METADATA}, JSON)
        assert (await call("GET", "/config/s")).json["defaultMetadata"] == METADATA
        tagged = {"schemaEntity": {"entityPath": "R.f1", "entityType": "sr_field"}, "tags": ["PII"]}
        answer = await call("POST", "/subjects/s/versions/1/tags", {"tagsToAdd": [tagged]}, JSON)
        assert answer.json["metadata"]["properties"]["owner"] == "owner@example.org"
    kept = _bytes_in(tmp_path)
    assert b"sealed:1:" in kept
    assert b"owner@example.org" not in kept


def _bytes_in(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())
