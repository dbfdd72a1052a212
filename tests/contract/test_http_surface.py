"""What every endpoint says about itself: methods, media types, security headers, compressed bodies, OpenAPI."""

import gzip
import json
import re
from collections import defaultdict

import pytest

from contract.asgi import started
from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.openapi import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS

OPERATIONS = [*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *DOCUMENTATION_OPERATIONS]


async def test_allow_names_every_method_of_a_path() -> None:
    methods: dict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for operation in OPERATIONS:
        methods[operation.path] |= {"GET", "HEAD"} if operation.method == "GET" else {operation.method}
    async with started() as call:
        for path, expected in methods.items():
            target = re.sub(r"{\w+}", "x", path)
            answer = await call("OPTIONS", target)
            assert (answer.status, set(answer.headers["allow"].split(", "))) == (204, expected)
            refused = await call("PATCH", target)
            assert (refused.status, set(refused.headers["allow"].split(", "))) == (405, expected)


async def test_media_types_are_those_of_the_document() -> None:
    async with started() as call:
        await call("POST", "/subjects/s/versions", {"schema": '"int"'})
        document = (await call("GET", "/openapi.json")).json
        for path in ("/openapi.json", "/docs", "/metrics", "/health", "/subjects"):
            answer = await call("GET", path)
            declared = document["paths"][path]["get"]["responses"]["200"]["content"]
            sent = answer.headers["content-type"]
            assert sent.count("charset") <= 1
            assert sent.removesuffix("; charset=utf-8") in declared
        text = await call("GET", "/subjects/s/versions/1/schema")
        assert (
            text.headers["content-type"]
            in (
                document["paths"]["/subjects/{subject}/versions/{version}/schema"]["get"]["responses"]["200"]["content"]
            )
        )
        assert document["servers"] == [{"url": "/"}]
    async with started(public_url="https://registry.example/") as call:
        assert (await call("GET", "/openapi.json")).json["servers"] == [{"url": "https://registry.example"}]


async def test_a_path_with_variables_can_lead_nowhere() -> None:
    async with started() as call:
        for path, methods in (await call("GET", "/openapi.json")).json["paths"].items():
            assert all("404" in operation["responses"] for operation in methods.values()) or "{" not in path


async def test_the_page_lets_a_browser_run_nothing() -> None:
    async with started() as call:
        page = await call("GET", "/docs")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        # What the policy forbids, the page does not have.
        assert not re.search(rb"<(script|img|link|iframe|form)\b|\bstyle=|\bon\w+=", page.body)
        assert page.body.count(b"<style>") == 1


@pytest.mark.parametrize("path", ["/subjects/s/versions", "/subjects/s", "/compatibility/subjects/s/versions/latest"])
async def test_compressed_bodies(path: str) -> None:
    body = json.dumps({"schema": '"int"'}).encode()
    async with started(max_body_bytes=1024 * 1024, max_schema_bytes=1024) as call:
        await call("POST", "/subjects/s/versions", body)
        headers = {"content-encoding": "gzip"}
        assert (await call("POST", path, gzip.compress(body), headers)).status == 200
        assert (await call("POST", path, body, headers)).status == 400
        assert (await call("POST", path, gzip.compress(bytes(1024 * 1024 + 1)), headers)).status == 413
        refused = await call("POST", path, body, {"content-encoding": "br"})
        assert (refused.status, refused.headers["accept-encoding"]) == (415, "gzip, deflate")
        assert refused.json["error_code"] == 415


async def test_compressed_payloads() -> None:
    body = b"\n".join([b'{"payload": 1}'] * 3)
    request = gzip.compress(json.dumps({"schema": '"int"', "payload": 1}).encode())
    async with started() as call:
        answer = await call("POST", "/api/v1/validate", request, {"content-encoding": "gzip"})
        assert answer.status == (await call("POST", "/api/v1/validate", gzip.decompress(request))).status
        headers = {"content-encoding": "gzip", "content-type": "application/x-ndjson"}
        plain = await call("POST", "/api/v1/validate/batch", body, {"content-type": "application/x-ndjson"})
        assert (await call("POST", "/api/v1/validate/batch", gzip.compress(body), headers)).status == plain.status
