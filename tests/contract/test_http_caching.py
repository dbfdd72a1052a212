"""What clients and caches may keep, how they ask whether it is still true, and a real cache that does."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.asgi import Caller, started
from contract.registries import Response, ask, record, running

REVALIDATED, IMMUTABLE = "private, no-cache", "private, max-age=86400, immutable"
NOT_KEPT = "no-cache, no-store, must-revalidate"
TEXT_OF_ID = "/schemas/ids/1/schema"
# The id and the GUID of the record R with the field a.
CONTENTS = ["/schemas/ids/1", TEXT_OF_ID, "/schemas/guids/78aedc87-b1a1-a249-ffa1-f962f7279c1b"]
READS = [
    "/subjects",
    "/subjects/s/versions",
    "/subjects/s/versions/latest",
    "/subjects/s/versions/1/schema",
    "/schemas/ids/1/versions",
    "/schemas",
    "/schemas/types",
    "/contexts",
    "/config",
    "/mode",
    "/",
    "/api/v1/subjects/s/versions/1/outline",
    "/openapi.json",
    "/docs",
]
KEPT_OF_ALL = {"etag", "cache-control", "vary", "x-request-id"}
KEPT_OF_DOCUMENTATION = {
    "/openapi.json": {"x-content-type-options"},
    "/docs": {"content-security-policy", "referrer-policy", "x-content-type-options", "x-frame-options"},
}


async def registered(caller: Caller) -> Caller:
    assert (await caller("POST", "/subjects/s/versions", record("R", "a"))).status == 200
    return caller


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with started() as made:
        yield await registered(made)


@pytest.mark.parametrize("path", [*READS, *CONTENTS])
async def test_good_reads_can_be_asked_for_again_by_their_tag(caller: Caller, path: str) -> None:
    first, again = await caller("GET", path), await caller("GET", path)
    kept = KEPT_OF_ALL | KEPT_OF_DOCUMENTATION.get(path, set())
    tag = first.headers["etag"]
    assert re.fullmatch('"[0-9a-f]{30}"', tag)
    assert again.headers["etag"] == tag
    assert first.headers["vary"] == "Accept, Authorization"
    assert first.headers["cache-control"] == (IMMUTABLE if path in CONTENTS else REVALIDATED)
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        unmodified = await caller("GET", path, headers={"If-None-Match": held})
        assert (unmodified.status, unmodified.body) == (304, b"")
        assert set(unmodified.headers) == kept
        assert all(unmodified.headers[name] == first.headers[name] for name in kept - {"x-request-id"})
    other = await caller("GET", path, headers={"If-None-Match": '"other"'})
    assert (other.status, other.body) == (200, first.body)
    several = await caller("GET", path, headers=[("If-None-Match", '"other"'), ("If-None-Match", tag)])
    assert several.status == 304
    assert (await caller("HEAD", path)).headers["etag"] == tag
    assert (await caller("HEAD", path, headers={"If-None-Match": tag})).status == 304


async def test_a_change_gives_another_tag(caller: Caller) -> None:
    before = (await caller("GET", "/subjects/s/versions/latest")).headers["etag"]
    await caller("POST", "/subjects/s/versions", record("R", "a", "b"))
    after = await caller("GET", "/subjects/s/versions/latest", headers={"If-None-Match": before})
    assert after.status == 200
    assert after.headers["etag"] != before


async def test_each_media_type_has_its_own_tag(caller: Caller) -> None:
    plain, registry = [
        (await caller("GET", "/subjects", headers={"Accept": accept})).headers["etag"]
        for accept in ("application/json", "application/vnd.schemaregistry.v1+json")
    ]
    assert plain != registry


@pytest.mark.parametrize("path", ["/subjects/none/versions", "/schemas/ids/99", "/nowhere", "/api/v1/diff"])
async def test_errors_are_kept_by_nobody(caller: Caller, path: str) -> None:
    refused = await caller("GET", path, headers={"If-None-Match": "*"})
    assert refused.status >= 400
    assert "etag" not in refused.headers
    assert refused.headers["cache-control"] == NOT_KEPT


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics"])
async def test_the_state_of_the_process_is_kept_by_nobody(caller: Caller, path: str) -> None:
    answer = await caller("GET", path, headers={"If-None-Match": "*"})
    assert answer.status == 200
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == NOT_KEPT


async def test_only_reads_by_get_are_conditional(caller: Caller) -> None:
    for path in ("/subjects/s", "/subjects/s/versions"):
        found = await caller("POST", path, record("R", "a"), headers={"If-None-Match": "*"})
        assert found.status == 200
        assert found.json["id"] == 1
        assert "etag" not in found.headers
        assert found.headers["cache-control"] == NOT_KEPT


async def test_a_content_is_immutable_only_where_nothing_else_decides_what_it_is(caller: Caller) -> None:
    for path in CONTENTS:
        for query in ("?subject=s", "?format=resolved", "?x=y"):
            assert (await caller("GET", path + query)).headers["cache-control"] == REVALIDATED
    async with started(confluent_context_fallback=True) as falling_back:
        answer = await (await registered(falling_back))("GET", TEXT_OF_ID)
        assert answer.headers["cache-control"] == REVALIDATED


async def test_a_content_that_is_marked_as_deleted_is_asked_for_again(caller: Caller) -> None:
    assert (await caller("DELETE", "/subjects/s")).status == 200
    for path, expected in zip(CONTENTS, (REVALIDATED, IMMUTABLE, REVALIDATED), strict=True):
        assert (await caller("GET", path)).headers["cache-control"] == expected
    await registered(caller)
    for path in CONTENTS:
        assert (await caller("GET", path)).headers["cache-control"] == IMMUTABLE


async def test_shared_caches_may_keep_what_needs_no_credential() -> None:
    async with started(public_cache=True) as made:
        caller = await registered(made)
        text, latest = await caller("GET", TEXT_OF_ID), await caller("GET", "/subjects/s/versions/latest")
        assert text.headers["cache-control"] == "public, max-age=86400, immutable"
        assert text.headers["surrogate-key"] == "schema/./1"
        assert latest.headers["cache-control"] == "public, no-cache"
        assert {"subject/./s", "schema/./1"} <= set(latest.headers["surrogate-key"].split())
        unmodified = await caller("GET", TEXT_OF_ID, headers={"If-None-Match": "*"})
        assert unmodified.headers["surrogate-key"] == "schema/./1"


async def test_what_confluent_says_can_be_had() -> None:
    async with started(confluent_cache_control=True, public_cache=True) as made:
        caller = await registered(made)
        for path in (TEXT_OF_ID, "/subjects"):
            assert (await caller("GET", path)).headers["cache-control"] == NOT_KEPT


def test_conditional_requests_are_answered_from_the_shelf(registry_url: str) -> None:
    ask(f"{registry_url}/subjects/conditional/versions", "POST", record("Conditional", "a"))
    url = f"{registry_url}/subjects/conditional/versions/latest"
    first = ask(url)
    tag = first.headers["etag"]
    for _ in range(10):
        unmodified = ask(url, If_None_Match=tag)
        assert (unmodified.status, unmodified.body) == (304, b"")
        assert "content-length" not in unmodified.headers
        if re.fullmatch("[0-9a-f]{16}-[0-9a-f]+", unmodified.headers["x-request-id"]):
            break
    else:
        pytest.fail("the answer does not come from the shelf")
    for name in ("etag", "cache-control", "vary"):
        assert unmodified.headers[name] == first.headers[name]
    ask(f"{registry_url}/subjects/conditional/versions", "POST", record("Conditional", "a", "b"))
    changed = ask(url, If_None_Match=tag)
    assert (changed.status, changed.json["version"]) == (200, 2)


needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx on this machine")
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "put-a-cache-in-front.md"


@contextmanager
def cached(url: str, directory: Path) -> Iterator[str]:
    """The URL of an nginx in front of a registry, configured as the guide says."""
    guide = GUIDE.read_text()
    configuration = guide.partition("```nginx\n")[2].partition("```")[0]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for said, here in (
        ("127.0.0.1:8081", url.removeprefix("http://")),
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("/var/cache/nginx/registry", f"{directory}/cache"),
    ):
        assert said in configuration
        configuration = configuration.replace(said, here)
    (directory / "nginx.conf").write_text(
        f"user root; daemon off; pid {directory}/pid; error_log {directory}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off; client_body_temp_path {directory}/body;\n"
        f"proxy_temp_path {directory}/temp;\n{configuration}}}\n"
    )
    with subprocess.Popen(["nginx", "-c", str(directory / "nginx.conf"), "-p", str(directory)]) as nginx:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.terminate()


@needs_nginx
def test_behind_a_shared_cache_answers_stay_true(tmp_path: Path) -> None:
    def states(path: str, times: int) -> list[tuple[str, Response]]:
        answers = [ask(f"{front}{path}") for _ in range(times)]
        return [(answer.headers["x-cache"], answer) for answer in answers]

    with (
        running(f"sqlite:///{tmp_path}/registry.db", LSR_PUBLIC_CACHE="true") as url,
        cached(url, tmp_path) as front,
    ):
        assert ask(f"{front}/subjects/s/versions", "POST", record("R", "a")).status == 200
        (_, miss), (hit, text) = states(TEXT_OF_ID, 2)
        assert hit == "HIT"
        assert text.body == miss.body == ask(f"{url}{TEXT_OF_ID}").body
        assert text.headers["etag"] == miss.headers["etag"]
        assert ask(f"{front}{TEXT_OF_ID}", If_None_Match=text.headers["etag"]).status == 304
        other = ask(f"{front}{TEXT_OF_ID}", Accept="application/json")
        assert (other.headers["x-cache"], other.headers["content-type"]) == ("MISS", "application/json")
        assert ask(f"{front}{TEXT_OF_ID}", Authorization="Basic eDp5").headers["x-cache"] == "MISS"
        for fields in (("a",), ("a", "b"), ("a", "b", "c")):
            ask(f"{front}/subjects/s/versions", "POST", record("R", *fields))
            for state, latest in states("/subjects/s/versions/latest", 2):
                assert state in ("MISS", "BYPASS", "EXPIRED")
                assert latest.json["version"] == len(fields)
        assert ask(f"{front}/schemas/ids/9/schema").status == 404
        assert ask(f"{front}/schemas/ids/9/schema").headers["x-cache"] == "MISS"
