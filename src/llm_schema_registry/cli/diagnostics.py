"""Diagnostics of `lsr doctor`: each checks one thing and suggests a fix."""

import asyncio
import enum
import importlib.metadata
import os
import platform
import re
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.blobs import BlobsUnavailableError, InvalidBlobsUrlError, open_blobs
from llm_schema_registry.store.factory import InvalidStoreUrlError, is_postgresql, open_store

OLDEST_PYTHON = (3, 11)
_RELEASE = datetime(2026, 1, 1, tzinfo=UTC)
_DISTRIBUTION = "llm-schema-registry"
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)")
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")


class State(enum.StrEnum):
    """What a probe found; only `BAD` makes the doctor fail."""

    GOOD = "ok"
    WARN = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of one probe; `fix` is the way out of anything that is not good."""

    name: str
    state: State
    detail: str
    fix: str = ""


def python() -> Probe:
    """Whether this Python is new enough."""
    found = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Probe("python", State.BAD, found, f"Install Python {oldest} or newer and make a new environment.")
    return Probe("python", State.GOOD, found)


def libraries() -> Probe:
    """Whether everything is there that the package needs without extras, and in which version."""
    names = _requirements().get("", [])
    versions = {name: _version(name) for name in names}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Probe("libraries", State.BAD, f"missing: {', '.join(missing)}", f"pip install {_DISTRIBUTION}")
    return Probe("libraries", State.GOOD, ", ".join(f"{name} {version}" for name, version in versions.items()))


def extras() -> list[Probe]:
    """Which extras are complete."""
    probes = []
    for extra, names in sorted(_requirements().items()):
        if not extra or extra == "all":
            continue
        missing = [name for name in names if _version(name) is None]
        if missing:
            fix = f"If you want it: pip install '{_DISTRIBUTION}[{extra}]'"
            probes.append(Probe(f"extra {extra}", State.WARN, f"missing: {', '.join(missing)}", fix))
        else:
            versions = ", ".join(f"{name} {_version(name)}" for name in names)
            probes.append(Probe(f"extra {extra}", State.GOOD, versions))
    return probes


def clock(now: datetime) -> Probe:
    """Whether the clock can be right: it orders nothing here, but stamps every change and checks certificates."""
    if now < _RELEASE:
        return Probe("clock", State.BAD, f"{now:%Y-%m-%d %H:%M:%S} UTC is in the past", "Set the clock, or run NTP.")
    return Probe("clock", State.GOOD, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def store_place(url: str) -> tuple[Path | None, Probe]:
    """The file that a store's URL names, `None` for one in memory, and whether it can be read and written.

    Nothing is created; a directory that is missing can be made where the nearest one that exists is writable.
    """
    if is_postgresql(url):
        return None, Probe("store", State.GOOD, "on PostgreSQL")
    prefix, _, path = url.partition(":///")
    if url == "sqlite://" or (prefix, path) == ("sqlite", ":memory:"):
        return None, Probe("store", State.WARN, "in memory: gone when the server stops", "Name a file: sqlite:///FILE")
    if prefix != "sqlite" or not path:
        return None, Probe("store", State.BAD, "its URL names no store", "Use sqlite:///FILE or postgresql://….")
    file = Path(path)
    directory = next(one for one in file.absolute().parents if os.path.exists(one))
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        fix = f"Let this user write in {directory}, or name another file with --store."
        return file, Probe("store", State.BAD, f"{path} cannot be created or written", fix)
    if not os.path.exists(file):
        return file, Probe("store", State.GOOD, f"{path} will be created")
    if not file.is_file() or not os.access(file, os.R_OK | os.W_OK):
        return file, Probe("store", State.BAD, f"{path} is no file that can be written", "Let this user write it.")
    return file, Probe("store", State.GOOD, f"{path} is there, {file.stat().st_size} bytes")


def store(url: str) -> Probe:
    """Whether the store can be read and written, and is whole."""
    if is_postgresql(url):
        return _answer_of(url)
    file, place = store_place(url)
    return place if file is None or place.state is State.BAD or not file.exists() else _content_of(file)


def metadata_key() -> Probe:
    """Whether the values of sensitive metadata are sealed before they are stored; nothing is told of the key."""
    text = os.environ.get("LSR_METADATA_KEY", "")
    fix = "Set LSR_METADATA_KEY, for example to what `openssl rand -base64 32` prints."
    if not text:
        return Probe("metadata", State.WARN, "LSR_METADATA_KEY is not set: sensitive values are kept in clear", fix)
    try:
        from llm_schema_registry.store.layers.encryption import InvalidKeyError, keys_of
    except ModuleNotFoundError:
        return Probe("metadata", State.BAD, "sealing needs a package", f"pip install '{_DISTRIBUTION}[server]'")
    try:
        found = len(keys_of(text))
    except InvalidKeyError as error:
        return Probe("metadata", State.BAD, f"LSR_METADATA_KEY is no key: {error}", fix)
    return Probe("metadata", State.GOOD, f"sensitive values are sealed, keys: {found}")


def object_storage() -> Probe:
    """Whether the place of large definitions answers, if one is named."""
    name = "objects"
    url = os.environ.get("LSR_BLOBS", "")
    if not url:
        return Probe(name, State.GOOD, "LSR_BLOBS is not set: all definitions are in the store")
    try:
        asyncio.run(open_blobs(url).get("probe", 1))
    except InvalidBlobsUrlError as error:
        return Probe(name, State.BAD, str(error), "Correct LSR_BLOBS.")
    except BlobsUnavailableError as error:
        return Probe(name, State.BAD, str(error), "Look at LSR_BLOBS, the bucket, and the variables AWS_….")
    return Probe(name, State.GOOD, "object storage answers")


def port(host: str, number: int) -> Probe:
    """Whether the port is free to listen on."""
    name = f"port {number}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
        except OSError as error:
            fix = f"If no registry of yours has it: stop what has, or `lsr serve --port {number + 1}`."
            return Probe(name, State.WARN, f"cannot be taken on {host}: {error.strerror or error}", fix)
    return Probe(name, State.GOOD, f"free on {host}")


def reachable(url: str, asked: bool) -> Probe:
    """Whether a registry answers at `url`; that none does is bad only if somebody `asked` for this one."""
    from llm_schema_registry.cli.exit_codes import CliError
    from llm_schema_registry.cli.registry_session import with_client

    try:
        version = with_client(url, lambda client: client.server_version())
    except CliError as error:
        return Probe("registry", State.BAD if asked else State.WARN, error.message, error.fix or "Look at its log.")
    return Probe("registry", State.GOOD, f"{url} answers, version {version or 'unknown'}")


def _answer_of(url: str) -> Probe:
    """Opens the store as the server does, which also brings it to the current layout."""

    async def revision() -> int:
        opened = await open_store(url)
        try:
            return await opened.revision()
        finally:
            await opened.close()

    try:
        found = asyncio.run(revision())
    except (InvalidStoreUrlError, StoreUnavailableError) as error:
        return Probe("store", State.BAD, str(error), "Start it, or name another one with --store.")
    return Probe("store", State.GOOD, f"PostgreSQL answers, revision {found}")


def _content_of(file: Path) -> Probe:
    from llm_schema_registry.store.sqlite.integrity import check_integrity

    try:
        check_integrity(str(file), thorough=True)
    except StoreUnavailableError as error:
        return Probe("store", State.BAD, f"{file}: {error.detail or error.reason}", "Restore it from a backup.")
    return Probe("store", State.GOOD, f"{file} is whole, {file.stat().st_size} bytes")


def _requirements() -> dict[str, list[str]]:
    """The names of the required distributions by extra; the empty extra is the base."""
    found: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires(_DISTRIBUTION) or []:
        name, extra = _REQUIREMENT.match(requirement), _EXTRA.search(requirement)
        if name is not None and "sys_platform" not in requirement:
            found.setdefault(extra["extra"] if extra else "", []).append(name["name"])
    return found


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
