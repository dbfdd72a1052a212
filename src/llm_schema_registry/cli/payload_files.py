"""Payload files: one payload, one per line, an array, or the binary encoding of the format."""

import enum
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.core.findings import Finding

_CONTAINER = b"Obj\x01"


class Encoding(enum.StrEnum):
    """How events stand in a file."""

    JSON = "json"
    NDJSON = "ndjson"
    ARRAY = "array"
    BINARY = "binary"


SUFFIXES = {
    ".json": Encoding.JSON,
    ".ndjson": Encoding.NDJSON,
    ".jsonl": Encoding.NDJSON,
    ".avro": Encoding.BINARY,
    ".bin": Encoding.BINARY,
    ".pb": Encoding.BINARY,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a file.

    Attributes:
        file: the file, as the caller named it.
        index: its position in the file, from 1; 0 if the file is this one event.
        line: 1-based line, for one a line.
        value: the JSON value, or `bytes` for a binary one.
        problem: why there is no value.
    """

    file: str
    index: int
    line: int | None = None
    value: Any = None
    problem: Finding | None = None

    @property
    def is_binary(self) -> bool:
        """Whether it is in the binary encoding of its format."""
        return isinstance(self.value, bytes)

    @property
    def name(self) -> str:
        """What to call it: by its file if it is alone there, else by its position, and its own id if it has one."""
        name = f"event {self.index}" if self.index else self.file
        if isinstance(self.value, dict):
            for key in ("id", "event_id", "span_id", "request_id"):
                if isinstance(self.value.get(key), str):
                    return f"{name} ({key} {self.value[key]})"
        return name


def read_events(path: Path, encoding: Encoding | None) -> list[Event]:
    """The events of a file; `-` is stdin. By default the suffix tells the encoding, and stdin is one a line.

    Raises:
        CliError: the file cannot be read, nothing tells its encoding, or it holds no events.
    """
    if str(path) == "-":
        return list(_events("-", sys.stdin.buffer.read(), encoding or Encoding.NDJSON))
    encoding = encoding or SUFFIXES.get(path.suffix)
    if encoding is None:
        raise CliError(
            f"cannot tell the encoding of {path} from its suffix", f"Use {', '.join(SUFFIXES)}, or --encoding."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from None
    return list(_events(path.as_posix(), content, encoding))


def _events(file: str, content: bytes, encoding: Encoding) -> Iterator[Event]:
    if encoding is not Encoding.BINARY:
        content = content.removeprefix(BOM_UTF8)
    if encoding is Encoding.BINARY:
        if content.startswith(_CONTAINER):
            raise CliError(
                f"{file} is an Avro container file, which carries its own schema",
                "Give single events in binary encoding, or events as JSON.",
            )
        yield Event(file, 0, value=content)
    elif encoding is Encoding.JSON:
        yield _event(file, 0, None, content)
    elif encoding is Encoding.NDJSON:
        lines = [(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
        for index, (number, line) in enumerate(lines, 1):
            yield _event(file, index, number, line)
    else:
        whole = _event(file, 0, None, content)
        if not isinstance(whole.value, list):
            raise CliError(f"{file} is no JSON array of events")
        for index, value in enumerate(whole.value, 1):
            yield Event(file, index, value=value)


def _event(file: str, index: int, line: int | None, text: bytes) -> Event:
    try:
        return Event(file, index, line, msgspec.json.decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = Finding(
            code="payload.SYNTAX", message=f"This is no JSON: {error}.", fix="Write one JSON value.", line=line
        )
        return Event(file, index, line, problem=problem)
