"""The URL of a PostgreSQL store."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from llm_schema_registry.store.factory import InvalidStoreUrlError

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
# What says where a server is, and would send a connection meant for the replica elsewhere.
_PLACES = frozenset({"host", "port", "target_session_attrs"})


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """Where a store is kept.

    Attributes:
        primary: the URL for connections that write.
        replica: the URL for connections that read a streaming replica; `None` without one.
        schema: the schema that holds the store.
    """

    primary: str = field(repr=False)
    replica: str | None = field(repr=False)
    schema: str

    @property
    def channel(self) -> str:
        """The channel on which commits are announced."""
        return f"llm_schema_registry.{self.schema}"

    @classmethod
    def parse(cls, url: str) -> "PostgresUrl":
        """Takes the options `schema` and `replica` out of a URL; all others are for the connection.

        Several hosts may be given; connections go to the one that can be written to.

        Args:
            url: `postgresql://user:password@host:port/database?schema=name&replica=host:port&sslmode=…`.

        Raises:
            InvalidStoreUrlError: an option has no usable value.
        """
        try:
            parts = urlsplit(url)
            options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        except ValueError:
            raise unreadable() from None
        schema = options.pop("schema", "public")
        if not _SCHEMA.fullmatch(schema):
            raise InvalidStoreUrlError(
                "The option 'schema' of the store's URL must be a name of lower-case letters, digits and underscores, "
                "at most 48 of them, that begins with no digit."
            )
        replica = options.pop("replica", None)
        if replica is not None and not _HOST.fullmatch(replica):
            raise InvalidStoreUrlError("The option 'replica' of the store's URL must be one server: host or host:port.")
        base = parts._replace(scheme="postgresql", fragment="")
        primary = base._replace(query=_query({"target_session_attrs": "read-write"} | options)).geturl()
        if replica is None:
            return cls(primary, None, schema)
        credentials, at, _ = parts.netloc.partition("@")
        elsewhere = {name: value for name, value in options.items() if name not in _PLACES}
        netloc = f"{credentials}@{replica}" if at else replica
        return cls(primary, base._replace(netloc=netloc, query=_query(elsewhere)).geturl(), schema)


def unreadable() -> InvalidStoreUrlError:
    """The refusal of a URL that is no address of a PostgreSQL server; repeats no part of it."""
    return InvalidStoreUrlError(
        "The store's URL cannot be read. Write postgresql://user:password@host:5432/database, with every character of "
        "the password that is neither letter nor digit as %XX."
    )


def _query(options: dict[str, str]) -> str:
    return urlencode(options, quote_via=quote)
