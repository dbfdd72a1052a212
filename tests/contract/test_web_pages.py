"""Web pages against the application: CORS answers, and refusals in the form of their surface."""

from contract.asgi import started

PAGE = {"origin": "https://app.example"}
ASKED = PAGE | {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


async def test_cors_is_off_by_default() -> None:
    async with started() as call:
        for method, headers in (("GET", PAGE), ("OPTIONS", ASKED)):
            answer = await call(method, "/subjects", headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]
        refused = await call("POST", "/subjects/s/versions", {"schema": '"int"'}, PAGE)
        assert (refused.status, refused.json["error_code"]) == (403, 403)
        assert "LSR_CORS_ORIGINS" in refused.json["message"]
        refused = await call("POST", "/api/v1/validate", {}, PAGE)
        assert refused.json["code"] == "FORBIDDEN"
        assert (await call("GET", "/subjects")).json == []


async def test_an_allowed_page_reads_writes_and_sees_errors() -> None:
    async with started(cors_origins="https://app.example") as call:
        preflight = await call("OPTIONS", "/subjects/s/versions", headers=ASKED)
        assert preflight.status == 204
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        headers = PAGE | {"content-type": "application/json"}
        assert (await call("POST", "/subjects/s/versions", {"schema": '"int"'}, headers)).status == 200
        for path, status in (("/subjects", 200), ("/subjects/none/versions", 404), ("//", 404)):
            answer = await call("GET", path, headers=PAGE)
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
        stranger = await call("OPTIONS", "/subjects", headers=ASKED | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


async def test_a_body_of_a_page_without_a_type_is_415() -> None:
    async with started(cors_origins="*") as call:
        answer = await call("POST", "/subjects/s/versions", {"schema": '"int"'}, PAGE)
        assert (answer.status, answer.json["error_code"]) == (415, 415)
        assert (await call("POST", "/subjects/s/versions", {"schema": '"int"'})).status == 200


async def test_a_rebound_name_is_refused() -> None:
    async with started() as call:
        answer = await call("GET", "/subjects", headers={"host": "evil.example:8081"})
        assert answer.status == 403
        assert "LSR_ALLOWED_HOSTS" in answer.json["message"]
        assert (await call("GET", "/subjects", headers={"host": "localhost:9"})).status == 200
