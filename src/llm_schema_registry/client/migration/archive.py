"""A snapshot as a directory: one file per version, and a manifest."""

import hashlib
from pathlib import Path
from urllib.parse import quote

import msgspec

from llm_schema_registry.client.migration.snapshot import Snapshot, VersionRecord
from llm_schema_registry.client.model import ScopeSettings
from llm_schema_registry.contracts import DEFAULT_CONTEXT
from llm_schema_registry.formats import SchemaType

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_SUFFIXES = {SchemaType.AVRO: ".avsc", SchemaType.JSON: ".json", SchemaType.PROTOBUF: ".proto"}
_LONGEST_NAME = 120


class NotAnExportError(Exception):
    """A directory that should hold an export does not, or holds one that was changed."""


class _FiledVersion(VersionRecord, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A version whose text is in a file of its own, by its path below the directory."""

    schema: str = ""
    file: str


class _Manifest(msgspec.Struct, frozen=True, rename="camel"):
    format_version: int
    registry: str
    contexts: list[str]
    scopes: list[ScopeSettings]
    versions: list[_FiledVersion]


def write_directory(directory: Path, snapshot: Snapshot, registry: str) -> int:
    """Writes a snapshot, over an earlier export if there is one, and returns how many schemas it has.

    The same content gives the same bytes, so that a history of exports shows what changed.

    Args:
        directory: where to; made if it is not there.
        snapshot: what.
        registry: where it comes from, for people.

    Raises:
        NotAnExportError: the directory holds something else.
        OSError: it cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    stale: set[str] = set()
    if (directory / MANIFEST).exists():
        stale = {version.file for version in _read_manifest(directory).versions}
    elif any(directory.iterdir()):
        raise NotAnExportError(f"{directory} is not empty, and holds no export")
    filed: list[_FiledVersion] = []
    taken: set[str] = set()
    for version in snapshot.versions:
        file = _file_of(version, taken)
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(version.schema.encode("utf-8", "surrogatepass"))
        values = {name: getattr(version, name) for name in VersionRecord.__struct_fields__}
        # Reading takes a guid that the content does not give for a sign of tampering.
        guid = version.guid if version.guid == version.identity else ""
        filed.append(_FiledVersion(**{**values, "guid": guid, "schema": "", "file": file}))
    manifest = _Manifest(FORMAT_VERSION, registry, snapshot.contexts, snapshot.scopes, filed)
    # The manifest comes last and at once: a directory without its match is no export.
    draft = directory / f"{MANIFEST}.new"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2) + b"\n")
    draft.replace(directory / MANIFEST)
    for file in stale - taken:
        _inside(directory, file).unlink(missing_ok=True)
    return len(filed)


def read_directory(directory: Path) -> Snapshot:
    """Reads what `write_directory` wrote.

    Raises:
        NotAnExportError: there is no export, a file is missing, or one was changed since.
    """
    manifest = _read_manifest(directory)
    versions = []
    for filed in manifest.versions:
        values = {name: getattr(filed, name) for name in VersionRecord.__struct_fields__}
        try:
            values["schema"] = _inside(directory, filed.file).read_bytes().decode("utf-8", "surrogatepass")
        except (OSError, UnicodeDecodeError):
            raise NotAnExportError(f"{directory} has no readable file {filed.file}, which its manifest names") from None
        version = VersionRecord(**values)
        if version.guid and version.guid != version.identity:
            raise NotAnExportError(f"{filed.file} in {directory}, or what the manifest says of it, was changed since")
        versions.append(version)
    return Snapshot(manifest.contexts, manifest.scopes, versions)


def _read_manifest(directory: Path) -> _Manifest:
    path = directory / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except OSError:
        raise NotAnExportError(f"{directory} holds no readable {MANIFEST}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotAnExportError(f"{path} is not the manifest of an export: {error}") from None
    if manifest.format_version != FORMAT_VERSION:
        raise NotAnExportError(f"{path} has format {manifest.format_version}; this program reads {FORMAT_VERSION}")
    return manifest


def _inside(directory: Path, file: str) -> Path:
    """The path of a file that a manifest names; it may not lead out of the directory."""
    path = (directory / file.replace("\0", "")).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise NotAnExportError(f"the manifest of {directory} names {file}, which is outside of it")
    return path


def _file_of(version: VersionRecord, taken: set[str]) -> str:
    """`default/SUBJECT/VERSION.SUFFIX` or `contexts/CONTEXT/SUBJECT/VERSION.SUFFIX`; different for each version."""
    context, name = version.parsed_subject
    folder = "default" if context == DEFAULT_CONTEXT else f"contexts/{_name(context.removeprefix('.'))}"
    file = f"{folder}/{_name(name)}/{version.version}{_SUFFIXES[version.schema_type]}"
    taken.add(file)
    return file


def _name(text: str) -> str:
    """A name as one that every file system takes, and that none confuses with another."""
    quoted = quote(text, safe="", errors="surrogatepass") or "%"
    if quoted.startswith("."):
        quoted = f"%2E{quoted[1:]}"
    if len(quoted) > _LONGEST_NAME or text != text.lower():
        return f"{quoted[:_LONGEST_NAME]}~{_hash(text)}"
    return quoted


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
