"""Compiling: the verdict of protoc on a text, with places that the author of the text can find."""

import functools
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from google.protobuf import descriptor_pb2 as pb

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.protobuf.ast import File
from llm_schema_registry.formats.protobuf.canonical import canonical_text
from llm_schema_registry.formats.protobuf.map_fields import OPTION, with_map_fields
from llm_schema_registry.formats.protobuf.nested_order import in_canonical_order
from llm_schema_registry.formats.protobuf.option_parser import MAX_NESTING
from llm_schema_registry.formats.protobuf.parser import parse_file
from llm_schema_registry.formats.protobuf.protoc import PROTOC, ProtocCrashedError, ProtocRefusedError
from llm_schema_registry.formats.protobuf.symbols import types_of_text
from llm_schema_registry.formats.protobuf.utf8 import ESCAPED_BYTE, refuse_invalid_strings

MAIN_NAME: Final = "default"
_LABEL: Final = "optional "
_REMEMBERED: Final = 256
_MAX_ERRORS: Final = 20
_MESSAGE = re.compile(r"(?P<file>[^:\n]+):(?P<line>\d+):(?P<column>\d+): (?P<text>.*)")
_BRACKETS = re.compile(r"[{}\[\]<>()]")
_STEPS = {"{": 1, "[": 1, "<": 1, "(": 1, "}": -1, "]": -1, ">": -1, ")": -1}


class CompiledCache:
    """The last descriptors by content; only what protoc accepted is remembered."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        """The descriptors of a content, `None` if unknown."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def put(self, key: bytes, descriptors: bytes) -> None:
        """Remembers the descriptors of a content, and forgets the one unused for longest."""
        with self._lock:
            self._entries[key] = descriptors
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)


_CACHE = CompiledCache(_REMEMBERED)


def compile_text(text: str, file: File, dependencies: Sequence[Dependency]) -> bytes:
    """Compiles a text with protoc.

    Args:
        text: the text.
        file: what the parser made of it.
        dependencies: where its imports come from; bundled files need none.

    Returns:
        A serialised FileDescriptorSet, the file itself last, under a name of its own.

    Raises:
        InvalidSchemaError: with protoc's messages and places, or for a string that is not UTF-8.
        BudgetExceededError: it took too long.
    """
    imported = imported_texts(file, dependencies)
    files = {path: _compilable(content, types_of_text(content).file)[0] for path, content in imported.items()}
    labelled, insertions = _compilable(text, file)
    key = _content_key(labelled, files)
    found = _CACHE.get(key)
    if found is None:
        found = _compiled(labelled, files, insertions)
        if any(map(ESCAPED_BYTE.search, (labelled, *files.values()))):
            for descriptor in pb.FileDescriptorSet.FromString(found).file:
                refuse_invalid_strings(descriptor)
        _CACHE.put(key, found)
    return in_canonical_order(found, file)


def refuse_unparsed(text: str, dependencies: Sequence[Dependency]) -> None:
    """Asks protoc about a text that the parser could not read, for the sake of its messages.

    Raises:
        InvalidSchemaError: protoc refuses the text, too.
        BudgetExceededError: it took too long.
    """
    if _nesting(text) <= MAX_NESTING and _is_unicode(text):
        files = {dependency.name: dependency.text for dependency in dependencies if _is_safe(dependency.name)}
        _compiled(text, files, ())


def _compiled(text: str, files: Mapping[str, str], insertions: Sequence[int]) -> bytes:
    main = MAIN_NAME
    while main in files:
        main += "_"
    try:
        return PROTOC.compile(main, {**files, main: text})
    except ProtocRefusedError as error:
        raise _invalid(str(error), main, text, insertions) from None
    except ProtocCrashedError:
        message = "The Protobuf compiler died over this schema; simplify its options."
        raise InvalidSchemaError(message, (Finding(code="protobuf.INVALID", message=message),)) from None


def imported_texts(file: File, dependencies: Sequence[Dependency]) -> dict[str, str]:
    """The texts of the dependencies that `file` imports, transitively, by import path.

    Raises:
        InvalidSchemaError: a dependency is no `.proto` text.
    """
    texts = {dependency.name: dependency.text for dependency in dependencies if _is_safe(dependency.name)}
    found: dict[str, str] = {}
    pending = [item.path for item in file.imports]
    while pending:
        path = pending.pop()
        text = texts.get(path)
        if text is not None and path not in found:
            found[path] = text
            pending.extend(item.path for item in types_of_text(text).file.imports)
    return found


def _compilable(text: str, file: File) -> tuple[str, Sequence[int]]:
    """The text as protoc wants it, and where labels were put into it.

    As in the Confluent registry, labels may be left out without a syntax line, and maps may be written out.
    """
    if OPTION in text:
        text = canonical_text(with_map_fields(file))
        file = parse_file(text)
    return (_with_labels(text, file.unlabelled), file.unlabelled) if file.unlabelled else (text, ())


@functools.lru_cache(_REMEMBERED)
def _is_safe(path: str) -> bool:
    """Whether an import path stays below the folder it is written to."""
    parts = path.split("/")
    if len(path) > 512 or any(part in {"", ".", ".."} or len(part) > 200 for part in parts):
        return False
    return all(character.isprintable() and character not in '\\:*?"<>|' for character in path)


def _with_labels(text: str, insertions: Sequence[int]) -> str:
    pieces: list[str] = []
    start = 0
    for offset in insertions:
        pieces += (text[start:offset], _LABEL)
        start = offset
    pieces.append(text[start:])
    return "".join(pieces)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nesting(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        depth += _STEPS[match[0]]
        deepest = max(deepest, depth)
    return deepest


def _content_key(text: str, files: Mapping[str, str]) -> bytes:
    digest = hashlib.blake2b(text.encode(), digest_size=32)
    for name, content in sorted(files.items()):
        for part in (name.encode(), content.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _invalid(output: str, main: str, text: str, insertions: Sequence[int]) -> InvalidSchemaError:
    """The error for what protoc printed; lines without a place are kept only if there are no others."""
    located: list[Finding] = []
    others: list[str] = []
    for line in output.splitlines():
        match = _MESSAGE.fullmatch(line)
        if match is None:
            others.append(line)
        elif match["text"].startswith("warning: "):
            continue
        elif match["file"] == main:
            row = int(match["line"])
            column = _written_column(text, insertions, row, int(match["column"]))
            message = match["text"].replace(f'by "{main}"', "by this file")
            located.append(Finding(code="protobuf.INVALID", message=message, line=row, column=column))
        else:
            located.append(Finding(code="protobuf.INVALID", message=line))
        if len(located) == _MAX_ERRORS:
            break
    if not located:
        message = "; ".join(line for line in others if "/" not in line) or "protoc refuses this schema."
        located = [Finding(code="protobuf.INVALID", message=message)]
    return InvalidSchemaError("; ".join(map(_sentence, located)), located)


def _sentence(finding: Finding) -> str:
    return finding.message if finding.line is None else f"{finding.line}:{finding.column}: {finding.message}"


def _written_column(text: str, insertions: Sequence[int], row: int, column: int) -> int:
    """The column in the text as it was written: without the labels that were put in before it on its line."""
    if not insertions:
        return column
    start = sum(len(line) for line in text.splitlines(keepends=True)[: row - 1])
    before = [offset + number * len(_LABEL) for number, offset in enumerate(insertions)]
    return column - len(_LABEL) * sum(start <= offset < start + column - 1 for offset in before)
