"""Web pages: which hosts, origins and bodies are accepted, and what CORS answers."""

from contextlib import suppress

import pytest

from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.http.origins import OriginPolicy, host_name, normal_origin
from llm_schema_registry.server.settings import Settings, SettingsError, TlsMode

JSON = {"content-type": "application/json", "content-length": "2"}
EVERYWHERE = {"host": "0.0.0.0", "tls_mode": TlsMode.TRUSTED_PROXY}  # noqa: S104


def fields(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def status_of(settings: Settings, method: str, **headers: str) -> int:
    """The status of a refusal, or 200; header names with `_` in place of `-`."""
    settings.check()
    policy = OriginPolicy(settings)
    sent = fields({name.replace("_", "-"): text for name, text in headers.items()})
    with suppress(HttpError):
        policy.check(method, sent)
        return 200
    with pytest.raises(HttpError, match=r"LSR_|Content-Type") as refused:
        policy.check(method, sent)
    return refused.value.status


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8081", "127.9.9.9", "[::1]:80", "a.localhost"])
def test_loopback_hosts_are_allowed(host: str) -> None:
    assert status_of(Settings(), "GET", host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "localhost.evil.example", "0.1.2.3", ""]
)
def test_other_hosts_are_not(host: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        assert status_of(Settings(), method, host=host) == 403
    assert status_of(Settings(**EVERYWHERE), "GET", host=host) == 200


def test_configured_hosts_are_allowed() -> None:
    for settings in (
        Settings(allowed_hosts="other, Registry.Example"),
        Settings(public_url="https://registry.example:8443/"),
    ):
        assert status_of(settings, "GET", host="registry.example:1") == 200
        assert status_of(settings, "GET", host="registry.example.") == 200
        assert status_of(settings, "GET", host="localhost") == 200
        assert status_of(settings, "GET", host="example") == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "UNKNOWN"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8081", 200),
        ("HTTP://LOCALHOST:8081", 200),
        ("https://localhost:8081", 403),
        ("http://localhost", 403),
        ("http://localhost:8082", 403),
        ("http://evil.example", 403),
        ("http://localhost:8081.evil.example", 403),
        ("http://localhost:8081@evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_writes_of_pages(method: str, origin: str, status: int) -> None:
    assert status_of(Settings(), method, host="localhost:8081", origin=origin, **JSON) == status


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-origin", 200), ("same-site", 200), ("none", 200)]
)
def test_writes_by_their_site(site: str, status: int) -> None:
    assert status_of(Settings(), "POST", host="localhost", sec_fetch_site=site, **JSON) == status
    allowed = Settings(cors_origins="https://app.example")
    headers = {"host": "localhost", "sec_fetch_site": site, "origin": "https://app.example", **JSON}
    assert status_of(allowed, "POST", **headers) == 200


def test_reads_of_pages_are_free() -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        headers = {"host": "localhost", "origin": "http://evil.example", "sec_fetch_site": "cross-site"}
        assert status_of(Settings(), method, **headers) == 200


def test_behind_a_proxy_the_public_url_is_the_origin() -> None:
    settings = Settings(public_url="https://registry.example", **EVERYWHERE)
    assert status_of(settings, "POST", host="node1:8081", origin="https://registry.example", **JSON) == 200
    # Its name is what a page that rebinds it can choose.
    assert status_of(settings, "POST", host="evil.example", origin="http://evil.example", **JSON) == 403
    local = Settings(public_url="https://registry.example")
    assert status_of(local, "POST", host="localhost:80", origin="http://localhost", **JSON) == 200


def test_several_origins_must_all_be_allowed() -> None:
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"http://evil.example")]
    with pytest.raises(HttpError, match=r"evil\.example"):
        OriginPolicy(Settings()).check("POST", headers)


@pytest.mark.parametrize("marks", [{"origin": "http://localhost"}, {"sec_fetch_site": "same-origin"}])
def test_a_body_of_a_page_needs_a_type(marks: dict[str, str]) -> None:
    for body in ({"content_length": "5"}, {"transfer_encoding": "chunked"}):
        assert status_of(Settings(), "POST", host="localhost", **marks, **body) == 415
        assert status_of(Settings(), "POST", host="localhost", **marks, **body, content_type=" ") == 415
        assert status_of(Settings(), "POST", host="localhost", **marks, **body, content_type="text/json") == 200
        assert status_of(Settings(), "POST", host="localhost", **body) == 200
    for nothing in ({}, {"content_length": "0"}):
        assert status_of(Settings(), "DELETE", host="localhost", **marks, **nothing) == 200


def permissions(settings: Settings, origin: str | None, *, preflight: bool = False) -> dict[str, str]:
    headers = fields({} if origin is None else {"origin": origin})
    answer = OriginPolicy(settings).permissions(headers, preflight=preflight)
    return {name.decode(): value.decode() for name, value in answer}


def test_cors_answers_allowed_origins_alone() -> None:
    settings = Settings(cors_origins="https://app.example, http://other:8080/", cors_credentials=True)
    settings.check()
    granted = permissions(settings, "https://app.example")
    assert granted["access-control-allow-origin"] == "https://app.example"
    assert granted["access-control-allow-credentials"] == "true"
    assert "X-Registry-Revision" in granted["access-control-expose-headers"]
    assert granted["vary"] == "Origin"
    assert permissions(settings, "http://other:8080")["access-control-allow-origin"] == "http://other:8080"
    for origin in ("https://evil.example", "null", None, "http://app.example"):
        assert permissions(settings, origin) == {"vary": "Origin"}


def test_cors_for_all_needs_no_vary() -> None:
    granted = permissions(Settings(cors_origins="*"), "https://app.example")
    assert granted["access-control-allow-origin"] == "*"
    assert "vary" not in granted
    # A shared cache may give the answer to a page.
    assert permissions(Settings(cors_origins="*"), None) == {"access-control-allow-origin": "*"}


def test_a_preflight_tells_methods_and_headers() -> None:
    settings = Settings(cors_origins="https://app.example", cors_methods="GET,POST", cors_headers="X-A ,X-B")
    granted = permissions(settings, "https://app.example", preflight=True)
    assert granted["access-control-allow-methods"] == "GET, POST"
    assert granted["access-control-allow-headers"] == "X-A, X-B"
    policy = OriginPolicy(settings)
    asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
    assert policy.preflight("OPTIONS", fields(asked))
    assert not policy.preflight("POST", fields(asked))
    assert not policy.preflight("OPTIONS", fields({"origin": "https://app.example"}))
    assert not policy.preflight("OPTIONS", fields(asked | {"origin": "https://evil.example"}))


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("public_url", "registry.example"),
        ("public_url", "https://registry.example/path"),
        ("public_url", "*"),
        ("cors_origins", "app.example"),
        ("cors_origins", "https://app.example/path"),
        ("cors_origins", "https://app.example,null"),
    ],
)
def test_what_is_no_origin_is_refused(setting: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"LSR_{setting.upper()}"):
        Settings.from_environment({}, **{setting: text}).check()


def test_credentials_are_not_for_everybody() -> None:
    with pytest.raises(SettingsError, match="LSR_CORS_CREDENTIALS"):
        Settings(cors_origins="*", cors_credentials=True).check()
    with pytest.raises(SettingsError, match="LSR_CORS_METHODS"):
        Settings.from_environment({"LSR_CORS_METHODS": "GET\r\nX: y"})


def test_names() -> None:
    assert normal_origin("HTTPS://A.example:443/") == "https://a.example"
    assert normal_origin("http://[::1]:80") == "http://[::1]"
    assert normal_origin("http://a:99999") is None
    assert normal_origin("file:///x") is None
    assert host_name("[::1]:8081") == "::1"
    assert host_name("A.Example.:80") == "a.example"
