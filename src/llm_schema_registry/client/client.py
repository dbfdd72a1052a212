"""The asynchronous HTTP client: one method per call, typed results, typed errors.

Paths and bodies are those of the Confluent-compatible surface, so that it talks to any compatible registry;
validation is this registry's own (`/api/v1`).
"""

import os
from base64 import b64encode
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from llm_schema_registry.client.errors import RegistryError, RegistryUnreachableError
from llm_schema_registry.client.model import (
    LATEST,
    BatchResult,
    Config,
    Mode,
    PlannedSchema,
    PlanResult,
    RegisteredSchema,
    SchemaRequest,
    Scopes,
    ScopeSettings,
    ServerVersion,
    SubjectVersion,
    ValidationResult,
)
from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.core.findings import Finding

_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_JSON = "application/json"
_ACCEPT = f"{_MEDIA_TYPE}, application/vnd.schemaregistry+json, {_JSON}"
_PAGE = 1000
ALL_CONTEXTS = ":*:"
_T = TypeVar("_T")


class _ErrorBody(msgspec.Struct, frozen=True):
    """An error on either surface: Confluent's fields, or those of RFC 9457 on `/api/v1`."""

    error_code: int = 0
    message: str = ""
    title: str = ""
    detail: str = ""
    details: list[Finding] = []


class RegistryClient:
    """A client of one registry. Use it as an asynchronous context manager: it holds connections.

    Args:
        url: where the registry is; may have a path and `user:password@`.
        timeout: seconds for one call, connecting included.

    Every method raises `RegistryError` for an error that the registry names, and `RegistryUnreachableError`
    when no registry answers.
    """

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        parsed = _parsed(url)
        self._base = str(parsed.with_user(None)).rstrip("/")
        self._headers = {"Accept": _ACCEPT}
        if parsed.user:
            credentials = f"{parsed.user}:{parsed.password or ''}".encode()
            self._headers["Authorization"] = f"Basic {b64encode(credentials).decode()}"
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def url(self) -> str:
        """The registry's URL, without credentials."""
        return self._base

    async def server_version(self) -> str:
        """The registry's own version; empty if it gives none."""
        return (await self._call("GET", "v1/metadata/version", ServerVersion)).version

    async def latest_schemas(self, prefix: str = "") -> list[RegisteredSchema]:
        """The latest version of every subject whose name begins with `prefix`, page by page."""
        return await self._pages({"subjectPrefix": prefix, "latestOnly": "true"})

    async def all_schemas(self, prefix: str = ALL_CONTEXTS, *, deleted: bool = False) -> list[RegisteredSchema]:
        """Every version of every subject whose name begins with `prefix`, page by page; aliases mean nothing here."""
        return await self._pages({"subjectPrefix": prefix, "deleted": str(deleted).lower()})

    async def contexts(self) -> list[str]:
        """The contexts, the default one (`.`) first."""
        return await self._call("GET", "contexts", list[str])

    async def subjects(self, *, deleted: bool = False) -> list[str]:
        """The subjects of all contexts."""
        query = {"subjectPrefix": ALL_CONTEXTS, "deleted": str(deleted).lower()}
        return await self._call("GET", "subjects", list[str], query=query)

    async def versions(self, subject: str, *, deleted: bool = False) -> list[int]:
        """The versions of a subject, oldest first; with `deleted` soft-deleted ones too."""
        query = {"deleted": "true"} if deleted else None
        return await self._call("GET", f"subjects/{_quoted(subject)}/versions", list[int], query=query)

    async def version(self, subject: str, version: int | str = LATEST, *, deleted: bool = False) -> RegisteredSchema:
        """One version of a subject; with `deleted` also a soft-deleted one, as references need."""
        path = f"subjects/{_quoted(subject)}/versions/{version}"
        return await self._call("GET", path, RegisteredSchema, query={"deleted": "true"} if deleted else None)

    async def schema_by_id(self, schema_id: int) -> RegisteredSchema:
        """The schema of an id of the default context."""
        found = await self._call("GET", f"schemas/ids/{schema_id}", RegisteredSchema)
        return msgspec.structs.replace(found, id=schema_id)

    async def stored_text(self, schema_id: int, context: str) -> str:
        """The text of an id that its GUID is made from, where that differs from the one that clients read."""
        query = {"format": "canonical", "subject": f":{context}:"}
        return (await self._call("GET", f"schemas/ids/{schema_id}", RegisteredSchema, query=query)).schema

    async def schema_by_guid(self, guid: str) -> RegisteredSchema:
        """The schema of a GUID."""
        return await self._call("GET", f"schemas/guids/{_quoted(guid)}", RegisteredSchema)

    async def uses_of(self, schema_id: int) -> list[SubjectVersion]:
        """The versions that hold the schema of an id."""
        return await self._call("GET", f"schemas/ids/{schema_id}/versions", list[SubjectVersion])

    async def register(self, subject: str, schema: SchemaRequest, *, normalize: bool = False) -> RegisteredSchema:
        """Registers a schema and returns its id and version: the existing ones if the subject holds it already.

        Raises:
            RegistryError: 40901, incompatible; 42201, no valid schema; both with findings.
        """
        path = f"subjects/{_quoted(subject)}/versions"
        query = {"normalize": "true"} if normalize else None
        return await self._call("POST", path, RegisteredSchema, body=schema, query=query)

    async def delete_version(self, subject: str, version: int) -> int:
        """Soft-deletes a version of a subject.

        Raises:
            RegistryError: 42206, another version refers to it.
        """
        return await self._call("DELETE", f"subjects/{_quoted(subject)}/versions/{version}", int)

    async def config(self, subject: str | None = None, *, inherited: bool = False) -> Config:
        """The config of a subject, or of the registry for `None`; with `inherited` what applies to the subject.

        Raises:
            RegistryError: 40408, the subject has no config of its own and `inherited` was not asked for.
        """
        path = "config" if subject is None else f"config/{_quoted(subject)}"
        return await self._call("GET", path, Config, query={"defaultToGlobal": "true"} if inherited else None)

    async def set_compatibility(self, subject: str, level: CompatibilityLevel) -> None:
        """Sets the compatibility level of a subject, which need not exist yet."""
        await self._call("PUT", f"config/{_quoted(subject)}", dict[str, Any], body={"compatibility": level})

    async def scopes(self) -> list[ScopeSettings]:
        """The own settings of every scope; only this registry tells them all at once (404 elsewhere)."""
        return (await self._call("GET", "api/v1/scopes", Scopes, media_type=_JSON)).scopes

    async def own_config(self, scope: str) -> dict[str, Any]:
        """The config of a scope as the registry gives it; empty for the default context.

        Raises:
            RegistryError: 40408, the scope has none of its own.
        """
        return await self._call("GET", _of_scope("config", scope), dict[str, Any])

    async def put_config(self, scope: str, config: dict[str, Any]) -> None:
        """Changes the config of a scope: absent keys are kept, `None` clears; the level is called `compatibility`."""
        await self._call("PUT", _of_scope("config", scope), dict[str, Any], body=config)

    async def own_mode(self, scope: str) -> str | None:
        """The mode of a scope; empty for the default context.

        Raises:
            RegistryError: 40409, the scope has none of its own.
        """
        return (await self._call("GET", _of_scope("mode", scope), Mode)).mode

    async def put_mode(self, scope: str, mode: str) -> None:
        """Sets the mode of a scope, IMPORT also where there are subjects."""
        await self._call("PUT", _of_scope("mode", scope), Mode, body={"mode": mode}, query={"force": "true"})

    async def delete_mode(self, scope: str) -> None:
        """Takes the mode of a scope away, so that the one above counts."""
        await self._call("DELETE", _of_scope("mode", scope), Mode)

    async def validate(
        self, subject: str, data: Any, version: int | str = LATEST, *, message: str | None = None
    ) -> ValidationResult:
        """What the registry says of one event, a JSON value, by a version of a subject.

        `message` names the message of a Protobuf schema; by default the event may name it as `@type`.
        """
        body = {"subject": subject, "version": version, "data": data}
        body |= {} if message is None else {"message": message}
        return await self._call("POST", "api/v1/validate", ValidationResult, body=body, media_type=_JSON)

    async def validate_batch(
        self,
        data: list[Any],
        *,
        schema_id: int | None = None,
        subject: str | None = None,
        version: int | str = LATEST,
        message: str | None = None,
    ) -> BatchResult:
        """What the registry says of events, JSON values, by a schema id or by a version of a subject.

        `message` names the message of a Protobuf schema; by default each event may name its own as `@type`.
        """
        query = {"schema_id": str(schema_id)} if schema_id is not None else _subject_query(subject or "", version)
        query |= {} if message is None else {"message": message}
        path = "api/v1/validate/batch"
        return await self._call("POST", path, BatchResult, body=data, query=query, media_type=_JSON)

    async def plan(
        self,
        schemas: list[PlannedSchema],
        *,
        apply: bool = False,
        expect: str | None = None,
        witness: bool = False,
    ) -> PlanResult:
        """What registering schemas together would do; with `apply` it is done, all of it or nothing.

        Args:
            schemas: in any order; they may refer to each other.
            apply: do it, if nothing is refused.
            expect: the digest of an earlier result; anything else is not done.
            witness: ask for payloads that incompatible schemas would break.
        """
        body = {"schemas": schemas, "apply": apply, "expect": expect}
        query = {"witness": "true"} if witness else None
        return await self._call("POST", "api/v1/plan", PlanResult, body=body, query=query, media_type=_JSON)

    async def _pages(self, query: dict[str, str]) -> list[RegisteredSchema]:
        found: dict[tuple[str, int], RegisteredSchema] = {}
        asked = 0
        while True:
            page_query = {**query, "offset": str(asked), "limit": str(_PAGE)}
            page = await self._call("GET", "schemas", list[RegisteredSchema], query=page_query)
            before = len(found)
            found |= {(schema.subject, schema.version): schema for schema in page}
            asked += len(page)
            # A registry that knows no pages gives everything each time.
            if len(page) != _PAGE or len(found) == before:
                return list(found.values())

    async def _call(
        self,
        method: str,
        path: str,
        result: type[_T],
        *,
        body: Any = None,
        query: dict[str, str] | None = None,
        media_type: str = _MEDIA_TYPE,
    ) -> _T:
        if self._session is None:
            raise RuntimeError("RegistryClient is an asynchronous context manager: enter it before calling")
        url = URL(f"{self._base}/{path}", encoded=True)
        if query:
            url = url.with_query(query)
        data, headers = (None, None) if body is None else (msgspec.json.encode(body), {"Content-Type": media_type})
        try:
            async with self._session.request(method, url, data=data, headers=headers) as response:
                status, reply = response.status, await response.read()
        except TimeoutError:
            cause = f"no reply within {self._timeout.total:g} seconds"
            raise RegistryUnreachableError(self._base, cause) from None
        except aiohttp.ClientConnectorError as error:
            code = error.os_error.errno
            cause = os.strerror(code) if code and code > 0 else str(error.os_error)
            raise RegistryUnreachableError(self._base, cause) from None
        except aiohttp.ClientError as error:
            raise RegistryUnreachableError(self._base, str(error) or type(error).__name__) from None
        if status >= 400:
            raise _error(status, reply)
        try:
            return msgspec.json.decode(reply, type=result)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise RegistryUnreachableError(self._base, f"the reply to {method} /{path} is not a registry's") from None


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise RegistryUnreachableError(url, "the URL must look like http://HOST:PORT")
    return parsed


def _subject_query(subject: str, version: int | str) -> dict[str, str]:
    return {"subject": subject, "version": str(version)}


def _of_scope(setting: str, scope: str) -> str:
    return f"{setting}/{_quoted(scope)}" if scope else setting


def _quoted(segment: str) -> str:
    return quote(segment, safe="")


def _error(status: int, reply: bytes) -> RegistryError:
    try:
        body = msgspec.json.decode(reply, type=_ErrorBody)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        body = _ErrorBody()
    message = body.message or body.detail or body.title or f"HTTP status {status}"
    return RegistryError(status, body.error_code or status, message, body.details)
