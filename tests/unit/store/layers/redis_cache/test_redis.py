"""A server of a shared cache that is slow, wrong, full or gone, and one that is none of that."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog.testing

from llm_schema_registry.store.layers import circuit_breaker
from llm_schema_registry.store.layers.redis_cache import redis as talking
from llm_schema_registry.store.layers.redis_cache.redis import CacheWrite, RedisCache
from servers import ValkeyServer, valkey
from unit.store.layers.redis_cache.faults import HASTY, Counts, answering, connected, remembering, slowly, until

# Of any kind of protocol, of this one in a wrong place, and of nothing.
NONSENSE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"+OK\r\n",
    b":5\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*1\r\n:5\r\n",
    b"*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
    b"*1\r\n*1\r\n*1\r\n*1\r\n$1\r\nx\r\n",
    b"-ERR unknown command\r\n",
    b"-MOVED 1 127.0.0.1:1\r\n",
    b"-LOADING it is loading\r\n",
    b"%1\r\n+a\r\n+b\r\n",
    b"$99999999999\r\nx",
    b"*99999999999\r\n",
    b"$3\r\nabcdef\r\n",
    b"\x00\xff\xfe\r\n",
    b"\r\n\r\n",
]


@pytest.fixture
def own() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    yield server
    server.stop()


@pytest.fixture
async def server() -> AsyncIterator[RedisCache]:
    async with connected(valkey().url) as made:
        await until(lambda: made.answers)
        yield made


async def test_what_was_put_is_got(server: RedisCache) -> None:
    entries = [CacheWrite(f"got-{number}".encode(), bytes([number]) * number, 60) for number in range(200)]
    await server.put(entries)
    assert await asyncio.gather(*(server.get(entry.key) for entry in entries)) == [entry.entry for entry in entries]
    assert await server.get(b"never put") is None
    with valkey().client() as client:
        assert 50 < client.ttl(b"got-7") <= 60


async def test_who_asks_at_the_same_time_asks_together(own: ValkeyServer) -> None:
    async with connected(own.url) as server:
        await remembering(server)
        with own.client() as client:
            before = client.info("commandstats")["cmdstat_mget"]["calls"]
            assert await asyncio.gather(*(server.get(b"key") for _ in range(500))) == [b"entry"] * 500
            answers = await asyncio.gather(*(server.get(b"%d" % number) for number in range(64)))
            assert answers == [None] * 64
            assert client.info("commandstats")["cmdstat_mget"]["calls"] - before <= 5


async def test_who_gives_up_leaves_the_others_alone(server: RedisCache) -> None:
    await remembering(server)
    for _ in range(20):
        asking = [asyncio.create_task(server.get(b"key")) for _ in range(3)]
        await asyncio.sleep(0)
        asking[0].cancel()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert answers[1:] == [b"entry"] * 2


async def test_a_silent_server_costs_one_short_wait_and_is_used_again(own: ValkeyServer) -> None:
    counts = Counts()
    async with connected(own.url, counts, HASTY) as server:
        await until(lambda: server.answers)
        own.freeze()
        began = time.monotonic()
        for _ in range(200):
            assert await server.get(b"key") is None
        # Far from 200 times the short wait.
        assert time.monotonic() - began < 5
        assert counts["late"] < 10
        await until(lambda: server._circuit.is_open)
        own.thaw()
        await until(lambda: server.answers)
    async with connected(own.url) as server:
        await remembering(server)


async def test_a_server_that_dies_is_used_again_when_it_is_back(own: ValkeyServer) -> None:
    counts = Counts()
    async with connected(own.url, counts) as server:
        await remembering(server)
        own.kill()
        for _ in range(10):
            assert await server.get(b"key") is None
            await server.put([CacheWrite(b"key", b"entry", 60)])
        assert not server.answers
        assert 0 < counts["error"] <= 3
        own.start()
        await remembering(server)


async def test_a_server_that_comes_later_is_not_waited_for(own: ValkeyServer) -> None:
    own.kill()
    async with connected(own.url) as server:
        assert await server.get(b"key") is None
        assert not server.answers
        own.start()
        await remembering(server)


async def test_a_server_that_accepts_and_says_nothing() -> None:
    async def silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with answering(silence) as url, connected(url, seconds=HASTY) as server:
        await asyncio.sleep(0.2)
        assert await server.get(b"key") is None
        assert not server.answers


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_a_server_that_talks_nonsense(nonsense: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    # First it talks sense, so that it is asked.
    sense = asyncio.Event()
    sense.set()
    monkeypatch.setattr(circuit_breaker, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(talking, "_GIVE_UP_SECONDS", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            for command in data.split(b"\r\n"):
                if command == b"CLIENT":
                    writer.write(b"+OK\r\n")
                elif command in (b"MGET", b"SET"):
                    writer.write(b"*1\r\n$-1\r\n" if sense.is_set() else nonsense)

    counts = Counts()
    async with answering(talk) as url, connected(url, counts, seconds=0.2) as server:
        await until(lambda: server.answers)
        sense.clear()
        for _ in range(4):
            assert await server.get(b"key") in (None, b"x")
            await server.put([CacheWrite(b"key", b"entry", 60)])
        sense.set()
        await until(lambda: server.answers)


async def test_answers_that_are_late_are_not_waited_for(own: ValkeyServer) -> None:
    delays, counts = [0.0], Counts()
    async with slowly(own.port, delays) as url, connected(url, counts, 0.15) as server:
        await until(lambda: server.answers)
        delays[0] = 0.3
        began = time.monotonic()
        while server.answers or not server._circuit.is_open:
            assert await server.get(b"key") is None
            await asyncio.sleep(0.01)
        assert time.monotonic() - began < 10
        assert 0 < counts["late"] < 10
        await asyncio.sleep(1.5)
        assert server._circuit.is_open, "a probe that is late closes nothing"
        delays[0] = 0.0
        await until(lambda: server.answers)


async def test_a_full_server_refuses_and_goes_on_to_answer() -> None:
    full, counts = ValkeyServer("--maxmemory", "3mb", "--maxmemory-policy", "noeviction"), Counts()
    try:
        async with connected(full.url, counts) as server:
            await remembering(server)
            for number in range(40):
                await server.put([CacheWrite(f"{number}".encode(), b"x" * 100_000, 60)])
            assert counts["refused"] > 0
            assert counts["kept"] + counts["refused"] == 41
            assert await server.get(b"key") == b"entry"
            assert server.answers
    finally:
        full.stop()


async def test_many_large_entries_are_put_in_several_requests(server: RedisCache) -> None:
    entries = [CacheWrite(f"large-{number}".encode(), bytes(2_000_000), 60) for number in range(7)]
    await server.put(entries)
    for entry in entries:
        assert await server.get(entry.key) == entry.entry


async def test_keys_of_another_type_are_no_entries(server: RedisCache) -> None:
    with valkey().client() as client:
        client.lpush("a list", "x")
    assert await server.get(b"a list") is None
    assert server.answers


async def test_a_password_is_used_and_not_told(own: ValkeyServer) -> None:
    with own.client() as client:
        client.config_set("requirepass", "pass word/%")
    address = f"127.0.0.1:{own.port}"
    async with connected(f"redis://:pass%20word%2F%25@{address}") as server:
        await remembering(server)
    with structlog.testing.capture_logs() as logs:
        for credentials in ("", ":s3cret@", "ann:s3cret@"):
            async with connected(f"redis://{credentials}{address}") as server:
                await asyncio.sleep(0.2)
                assert not server.answers
                assert await server.get(b"key") is None
    assert {log.get("reason") for log in logs} >= {"AuthenticationError"}
    assert "s3cret" not in repr(logs)
    assert "s3cret" not in repr(server._client)


async def test_a_user_with_no_more_rights_than_are_used(own: ValkeyServer) -> None:
    with own.client() as client:
        client.execute_command("ACL SETUSER registry on >pass resetkeys ~lsr:* -@all +mget +set +client|setinfo")
        client.execute_command("ACL SETUSER default off")
    async with connected(own.url.replace("//", "//registry:pass@")) as server:
        await remembering(server, b"lsr:key")
        await server.put([CacheWrite(b"another", b"entry", 60)])
        assert await server.get(b"lsr:key") == b"entry"


async def test_a_socket_of_this_machine_and_a_database(tmp_path: Path) -> None:
    local = ValkeyServer("--unixsocket", str(tmp_path / "socket"))
    try:
        async with connected(f"unix://{tmp_path}/socket?db=3") as server:
            await remembering(server)
        with local.client() as client:
            assert client.get(b"key") is None
            client.select(3)
            assert client.get(b"key") == b"entry"
    finally:
        local.stop()


async def test_a_server_without_tls_is_not_talked_to_in_clear(own: ValkeyServer) -> None:
    async with connected(own.url.replace("redis:", "rediss:")) as server:
        await asyncio.sleep(0.2)
        assert not server.answers


async def test_a_cluster() -> None:
    node = ValkeyServer("--cluster-enabled", "yes")
    try:
        with node.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        async with connected(f"{node.url}?cluster=true") as server:
            await until(lambda: server.answers)
            entries = [CacheWrite(f"{number}".encode(), b"%d" % number, 60) for number in range(150)]
            await server.put(entries)
            found = await asyncio.gather(*(server.get(entry.key) for entry in entries))
            assert found == [entry.entry for entry in entries]
            node.kill()
            for _ in range(5):
                assert await server.get(b"1") is None
            await until(lambda: not server.answers)
    finally:
        node.stop()


async def test_closing_waits_for_nobody(own: ValkeyServer) -> None:
    async with connected(own.url) as server:
        await remembering(server)
        own.freeze()
        asking = asyncio.create_task(server.get(b"key"))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        await server.close()
        assert time.monotonic() - began < 4
        asking.cancel()
        await asyncio.wait((asking,))
    own.thaw()
