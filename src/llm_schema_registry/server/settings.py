"""The settings of the server: one table, read from `LSR_*` environment variables or given by the caller."""

import enum
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, get_type_hints

import msgspec
from msgspec import Meta

from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.core.budget import (
    DEFAULT_STEPS,
    MAX_SCHEMA_BYTES,
    MAX_STEPS,
    MIN_STEPS,
    default_steps,
)
from llm_schema_registry.registry.registry import DEFAULT_ID_GAP
from llm_schema_registry.server.machine import cores, is_loopback
from llm_schema_registry.store import InvalidStoreUrlError
from llm_schema_registry.store.blobs import DEFAULT_THRESHOLD, BlobSettings, InvalidBlobsUrlError, open_blobs
from llm_schema_registry.store.factory import store_url
from llm_schema_registry.store.layers.redis_cache import InvalidCacheUrlError, RedisUrl

PREFIX = "LSR_"
# Variables with the prefix that other parts of the product read.
_OF_OTHERS = frozenset({"LSR_REGISTRY"})

_MEBIBYTE = 1024 * 1024
_ORIGIN = re.compile(r"https?://[^\s/?#@,]+/?", re.IGNORECASE)
_TOKENS = r"^\s*[A-Za-z0-9_-]+(\s*,\s*[A-Za-z0-9_-]+)*\s*$"


class SettingsError(ValueError):
    """A setting is unknown, has no usable value, or does not fit another one; the message says which and how."""


class TlsMode(enum.StrEnum):
    """Where TLS is terminated when the server listens on a non-loopback address."""

    NONE = "none"
    TRUSTED_PROXY = "trusted_proxy"
    INSECURE_DEV = "insecure_dev"


class ErrorCodes(enum.StrEnum):
    """Which `error_code` an incompatible registration answers with its status 409."""

    CURRENT = "current"
    LEGACY = "legacy"


class LogLevel(enum.StrEnum):
    """From which level on the server logs; `debug` adds a line per request."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set about a server process. The names are those of the variables without `LSR_`."""

    host: Annotated[str, Meta(description="The address to listen on.", min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(description="The port to listen on; 0 lets the system choose.", ge=0, le=65535)] = 8081
    store: Annotated[
        str,
        Meta(
            description="The URL of the store: `sqlite:///FILE`, `sqlite://` for memory, or `postgresql://…`; `@FILE` "
            "reads it from a file, as for a mounted secret."
        ),
    ] = "sqlite:///data/registry.db"
    workers: Annotated[int, Meta(description="How many processes answer; they share the store.", ge=1, le=64)] = 1
    tls_mode: Annotated[
        TlsMode,
        Meta(
            description="Where TLS is terminated when `host` is reachable from other machines: `trusted_proxy` (at a "
            "proxy in front), `insecure_dev` (nowhere). `none` rejects such a host."
        ),
    ] = TlsMode.NONE
    public_url: Annotated[
        str,
        Meta(
            description="The URL of the registry for its clients, if a proxy stands in front: `https://HOST`. Requests "
            "of its pages may write, its host is allowed on loopback, and the OpenAPI document names it."
        ),
    ] = ""
    allowed_hosts: Annotated[
        str,
        Meta(
            description="Host names, separated by commas, that requests may be addressed to when the server listens on "
            "loopback, besides loopback names and that of `public_url`."
        ),
    ] = ""
    cors_origins: Annotated[
        str,
        Meta(
            description="Origins of web pages, separated by commas, that may use the registry: `https://HOST`; `*` for "
            "all. Empty: CORS is off, and requests of pages that would write are refused."
        ),
    ] = ""
    cors_methods: Annotated[
        str, Meta(description="The methods that pages of `cors_origins` may use.", pattern=_TOKENS)
    ] = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
    cors_headers: Annotated[
        str, Meta(description="The header fields that pages of `cors_origins` may send.", pattern=_TOKENS)
    ] = "Accept, Authorization, Content-Type, If-None-Match, X-Registry-Min-Revision, X-Request-Id"
    cors_credentials: Annotated[
        bool, Meta(description="Whether pages of `cors_origins` may send credentials; not with `*`.")
    ] = False
    max_body_bytes: Annotated[int, Meta(description="The largest request body; beyond it 413.", ge=1024)] = (
        10 * 1024 * 1024
    )
    max_schema_bytes: Annotated[
        int,
        Meta(
            description="The largest definition: text, references, metadata and rules together, in bytes of UTF-8; "
            "beyond it 42209. A config may be as large. `max_body_bytes` has to be twice as much, since JSON escapes.",
            ge=1024,
            le=64 * 1024 * 1024,
        ),
    ] = MAX_SCHEMA_BYTES
    max_steps: Annotated[
        int,
        Meta(
            description="How many steps of work one parse or one compatibility check may take; beyond it 42290. A step "
            "takes a few microseconds; `sandbox_seconds` bounds the same work in time. 0: "
            f"{DEFAULT_STEPS} for each {MAX_SCHEMA_BYTES} bytes of `max_schema_bytes`; otherwise at least {MIN_STEPS}.",
            ge=0,
            le=MAX_STEPS,
        ),
    ] = 0
    max_id_gap: Annotated[
        int,
        Meta(
            description="How far beyond the highest id that its context ever gave the id of an imported schema may be; "
            "beyond it 42205.",
            ge=1,
            le=2**31 - 1,
        ),
    ] = DEFAULT_ID_GAP
    max_head_bytes: Annotated[
        int,
        Meta(
            description="The largest request line with all header fields, and the largest trailers; beyond it 431.",
            ge=1024,
            le=1024 * 1024,
        ),
    ] = 64 * 1024
    max_url_bytes: Annotated[
        int, Meta(description="The longest URL of a request; beyond it 414.", ge=1024, le=1024 * 1024)
    ] = 16 * 1024
    request_timeout_seconds: Annotated[
        int,
        Meta(
            description="For how many seconds a client may take to send the head of a request, and again its body; "
            "beyond it 408. Also for how long a client may leave an answer unread.",
            ge=1,
            le=3600,
        ),
    ] = 30
    idle_timeout_seconds: Annotated[
        int,
        Meta(
            description="For how many seconds a connection may be idle between two requests. Set it above the idle "
            "timeout of load balancers and client pools, so that they close first.",
            ge=1,
            le=3600,
        ),
    ] = 75
    max_connections: Annotated[
        int,
        Meta(
            description="The most connections of one worker; beyond it 503, except for `/health`. Lower if the process "
            "may not open so many files.",
            ge=1,
            le=1_000_000,
        ),
    ] = 10_000
    max_buffered_mb: Annotated[
        int,
        Meta(
            description="The memory of each worker for requests in progress and for answers that clients have not "
            "read, in MiB; at least twice `max_body_bytes`. A request that takes more than it would leave free gets "
            "503. Connections that leave answers unread are closed, the oldest first.",
            ge=4,
        ),
    ] = 128
    max_batch_items: Annotated[int, Meta(description="The most payloads in one batch validation.", ge=1)] = 100_000
    compatibility: Annotated[
        CompatibilityLevel, Meta(description="The compatibility level where no scope sets one.")
    ] = CompatibilityLevel.BACKWARD
    confluent_strict_config: Annotated[
        bool,
        Meta(
            description="A subject's config without a level means the server's default level instead of the inherited "
            "one, as the Confluent registry has it."
        ),
    ] = False
    confluent_context_fallback: Annotated[
        bool,
        Meta(
            description="Unqualified reads that find nothing look into every other context, as the Confluent registry "
            "does."
        ),
    ] = False
    confluent_repeated_types: Annotated[
        bool,
        Meta(
            description="Avro texts define types again that are nested in their references, as those of the Confluent "
            "registry has it; otherwise they name them, which most clients need."
        ),
    ] = False
    confluent_error_codes: Annotated[
        ErrorCodes, Meta(description="`legacy` answers an incompatible registration with error_code 409, not 40901.")
    ] = ErrorCodes.CURRENT
    confluent_cache_control: Annotated[
        bool,
        Meta(
            description="Every answer forbids caches to keep it (`no-cache, no-store, must-revalidate`), as the "
            "Confluent registry does."
        ),
    ] = False
    public_cache: Annotated[
        bool,
        Meta(
            description="Whether caches that many clients share may keep answers: `public` instead of `private`. For "
            "registries whose reads need no credential."
        ),
    ] = False
    stale_reads_seconds: Annotated[
        int,
        Meta(
            description="For how many seconds reads go on with what was known, marked as stale, while the store is out "
            "of reach; 0: not at all.",
            ge=0,
        ),
    ] = 3600
    drain_seconds: Annotated[
        int,
        Meta(
            description="For how many seconds after SIGTERM `/health/ready` says 503 while everything is still "
            "answered, so that a load balancer takes the node out first.",
            ge=0,
            le=3600,
        ),
    ] = 0
    mode_mutability: Annotated[bool, Meta(description="Whether modes may be changed.")] = True
    permanent_delete: Annotated[bool, Meta(description="Whether permanent deletes are allowed.")] = True
    schema_search_limit: Annotated[
        int, Meta(description="The largest and the default page of schema lists.", ge=1, le=100_000)
    ] = 1000
    metadata_key: Annotated[
        str,
        Meta(
            description="Seals the values of properties that metadata calls sensitive: base64 of 32 bytes. Several, "
            "separated by commas: the first seals, all open. Without one they are stored in clear."
        ),
    ] = ""
    blobs: Annotated[
        str,
        Meta(
            description="Where large definitions are kept: `s3://BUCKET/PREFIX`, with the options `endpoint` and "
            "`region` (`?endpoint=https://HOST:PORT&region=…`); credentials come from the variables of AWS. Empty: in "
            "the store, with all others."
        ),
    ] = ""
    blob_bytes: Annotated[
        int, Meta(description="Definitions of more bytes are large, and go there when they are registered.", ge=0)
    ] = DEFAULT_THRESHOLD
    redis: Annotated[
        str,
        Meta(
            description="A cache that nodes share, on Redis or Valkey: `redis://`, `rediss://` or `unix://`, with the "
            "option `cluster=true` for a cluster. Empty: none."
        ),
    ] = ""
    redis_timeout_ms: Annotated[
        int, Meta(description="For how many milliseconds a read waits for the shared cache.", ge=1, le=1000)
    ] = 50
    sandbox_processes: Annotated[
        int,
        Meta(
            description="How many processes each worker has for heavy work (large schemas, expensive payloads); 0: one "
            "per core, shared by the workers, at least one.",
            ge=0,
            le=64,
        ),
    ] = 0
    sandbox_seconds: Annotated[
        float,
        Meta(
            description="The deadline of one piece of heavy work, in seconds for each 4 MiB (or part) of "
            "`max_schema_bytes`; beyond it 42290.",
            gt=0,
            le=600,
        ),
    ] = 10.0
    sandbox_memory_mb: Annotated[
        int,
        Meta(
            description="The memory of one process for heavy work, in MiB for each 4 MiB (or part) of "
            "`max_schema_bytes`; a smaller limit of the system stays in force.",
            ge=128,
        ),
    ] = 1024
    sandbox_queue: Annotated[
        int,
        Meta(description="How many pieces of heavy work may wait in each worker; beyond it 503.", ge=1, le=100_000),
    ] = 64
    compiled_mb: Annotated[
        int,
        Meta(
            description="The memory of compiled validators in each worker, in MiB; beyond it they are compiled again.",
            ge=1,
        ),
    ] = 64
    kafka_cluster_id: Annotated[str, Meta(description="The Kafka cluster's id that `GET /v1/metadata/id` tells.")] = ""
    cluster_id: Annotated[str, Meta(description="This registry's id that `GET /v1/metadata/id` tells.")] = (
        "schema-registry"
    )
    log_level: Annotated[LogLevel, Meta(description="From which level on the server logs to standard error.")] = (
        LogLevel.INFO
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **given: Any) -> "Settings":
        """Settings from `LSR_*` variables, under those that the caller gives.

        Args:
            environ: the environment; that of the process for `None`.
            given: settings that win over the environment.

        Raises:
            SettingsError: an unknown variable, or a value that does not fit; all of them in one message.
        """
        variables = os.environ if environ is None else environ
        known = {f"{PREFIX}{name.upper()}": name for name in cls.__struct_fields__}
        values: dict[str, Any] = {}
        unknown = []
        for variable, text in variables.items():
            if variable in known:
                values[known[variable]] = text
            elif variable.startswith(PREFIX) and variable not in _OF_OTHERS:
                unknown.append(variable)
        if unknown:
            raise SettingsError(f"Unknown setting {', '.join(sorted(unknown))}. Known are {', '.join(sorted(known))}.")
        return cls._converted(values | given)

    @classmethod
    def _converted(cls, values: dict[str, Any]) -> "Settings":
        types = {row.variable: row.type for row in settings_reference()}
        problems = []
        for name, value in values.items():
            variable = f"{PREFIX}{name.upper()}"
            try:
                msgspec.convert({name: value}, cls, strict=False)
            except msgspec.ValidationError as error:
                cause = str(error).partition(" - at")[0]
                problems.append(f"{variable}: {cause} (allowed: {types.get(variable, 'no such setting')})")
        if problems:
            raise SettingsError("; ".join(problems))
        settings = msgspec.convert(values, cls, strict=False)
        try:
            return msgspec.structs.replace(settings, store=store_url(settings.store))
        except InvalidStoreUrlError as error:
            raise SettingsError(f"LSR_STORE: {error}") from None

    @property
    def store_in_memory(self) -> bool:
        """Whether the store is gone with the process, and seen by it alone."""
        return self.store.rstrip("/").endswith(("sqlite:", ":memory:"))

    @property
    def heavy_processes(self) -> int:
        """How many sandbox processes a worker has."""
        return self.sandbox_processes or max(1, cores() // self.workers)

    @property
    def steps(self) -> int:
        """How many steps one parse or one check may take."""
        return self.max_steps or default_steps(self.max_schema_bytes)

    def metadata_keys(self) -> Sequence[bytes]:
        """The keys of `metadata_key`; raises `SettingsError` for what is none."""
        if not self.metadata_key:
            return ()

        # A process without keys does without the library behind them.
        from llm_schema_registry.store.layers.encryption import InvalidKeyError, keys_of

        try:
            return keys_of(self.metadata_key)
        except InvalidKeyError as error:
            raise SettingsError(f"LSR_METADATA_KEY: {error}") from None

    def blob_place(self) -> BlobSettings:
        """Where large definitions are kept; raises `SettingsError` for what cannot be used."""
        place = BlobSettings(self.blobs, self.blob_bytes)
        if place.url:
            try:
                open_blobs(place.url)
            except InvalidBlobsUrlError as error:
                raise SettingsError(f"LSR_BLOBS: {error}") from None
        return place

    def cache_address(self) -> RedisUrl | None:
        """Where the cache is that nodes share, if there is one; raises `SettingsError` for what cannot be used."""
        if not self.redis:
            return None
        try:
            return RedisUrl.parse(self.redis)
        except InvalidCacheUrlError as error:
            raise SettingsError(f"LSR_REDIS: {error}") from None

    def cors_origin_list(self) -> Sequence[str]:
        """The origins of `cors_origins`."""
        return _listed(self.cors_origins)

    def allowed_host_list(self) -> Sequence[str]:
        """The names of `allowed_hosts` in lower case."""
        return _listed(self.allowed_hosts.lower())

    def _check_pages(self) -> None:
        """Raises `SettingsError` for what says nothing about web pages."""
        for variable, urls in (
            ("LSR_PUBLIC_URL", _listed(self.public_url)),
            ("LSR_CORS_ORIGINS", self.cors_origin_list()),
        ):
            for url in urls:
                if not (_ORIGIN.fullmatch(url) or (url == "*" and variable == "LSR_CORS_ORIGINS")):
                    raise SettingsError(f"{variable}: {url!r} is not an origin. Write scheme and host: https://HOST.")
        if self.cors_credentials and "*" in self.cors_origin_list():
            raise SettingsError("LSR_CORS_CREDENTIALS does not go with LSR_CORS_ORIGINS=*. List the origins.")

    def check(self) -> None:
        """Raises `SettingsError` for settings that do not go together."""
        self._check_pages()
        self.metadata_keys()
        self.blob_place()
        self.cache_address()
        if self.tls_mode is TlsMode.NONE and not is_loopback(self.host):
            raise SettingsError(
                f"The host {self.host} is reachable from other machines, and nothing ends TLS. Listen on 127.0.0.1, "
                "or set LSR_TLS_MODE=trusted_proxy behind a proxy that ends TLS, or LSR_TLS_MODE=insecure_dev for a "
                "network you trust."
            )
        if 0 < self.max_steps < MIN_STEPS:
            raise SettingsError(f"LSR_MAX_STEPS is too low for any work. Set it to 0, or to {MIN_STEPS} or more.")
        if self.max_body_bytes < 2 * self.max_schema_bytes:
            raise SettingsError(
                f"A definition of {self.max_schema_bytes} bytes, escaped in JSON, does not fit in a body of "
                f"{self.max_body_bytes}. Set LSR_MAX_BODY_BYTES to {2 * self.max_schema_bytes} or more, or lower "
                "LSR_MAX_SCHEMA_BYTES."
            )
        if self.max_buffered_mb * _MEBIBYTE < 2 * self.max_body_bytes:
            raise SettingsError(
                f"A body of {self.max_body_bytes} bytes may take half of LSR_MAX_BUFFERED_MB={self.max_buffered_mb} at "
                f"most. Set it to {-(-2 * self.max_body_bytes // _MEBIBYTE)} or more, or lower LSR_MAX_BODY_BYTES."
            )
        if self.workers > 1 and self.store_in_memory:
            raise SettingsError(
                "A store in memory belongs to one process. Set LSR_WORKERS=1, or LSR_STORE to a file: sqlite:///FILE."
            )


class SettingRow(NamedTuple):
    """One row of the reference of settings."""

    variable: str
    type: str
    default: str
    description: str


def settings_reference() -> Iterator[SettingRow]:
    """The reference of settings, one row per setting, in the order they are declared."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        (meta,) = hints[field.name].__metadata__
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        yield SettingRow(
            f"{PREFIX}{field.name.upper()}", _type_name(hints[field.name].__origin__), default, meta.description
        )


def _type_name(kind: type) -> str:
    if issubclass(kind, enum.Enum):
        members: Iterable[enum.Enum] = kind
        return ", ".join(str(member.value) for member in members)
    return {bool: "true or false", int: "integer", float: "number", str: "text"}[kind]


def _listed(text: str) -> Sequence[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]
