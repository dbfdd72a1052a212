"""The URL of a Redis server or cluster."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_SUPPORTED = (
    "redis://user:password@host:6379/0, rediss://… for TLS or unix:///path/to/socket, with the option cluster=true for "
    "a cluster"
)
_SCHEMES = frozenset({"redis", "rediss", "unix"})
_NUMBER = re.compile(r"[0-9]{1,5}")
_BOOLEAN = re.compile(r"true|false")
_ANY = re.compile(r".+")
# What else the client takes would change how it waits and what it answers, which is not for a URL to say.
_OPTIONS = {
    "cluster": _BOOLEAN,
    "db": _NUMBER,
    "ssl_ca_certs": _ANY,
    "ssl_certfile": _ANY,
    "ssl_keyfile": _ANY,
    "ssl_cert_reqs": re.compile(r"required|optional|none"),
    "ssl_check_hostname": _BOOLEAN,
}


class InvalidCacheUrlError(ValueError):
    """The URL names no server that can be a shared cache; the message says which can, and repeats no secret."""


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """Where a shared cache is.

    Attributes:
        url: the URL for connections.
        is_cluster: whether it leads to a cluster, of which it names one node.
    """

    url: str = field(repr=False)
    is_cluster: bool

    @classmethod
    def parse(cls, url: str) -> "RedisUrl":
        """Takes the option `cluster` out of a URL; all others are for the connection.

        Args:
            url: `redis://user:password@host:port/db?cluster=true`; see `_OPTIONS` for the options.

        Raises:
            InvalidCacheUrlError: it is none, or the package that it needs is not installed.
        """
        try:
            parts = urlsplit(url)
            options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
            is_readable = parts.scheme in _SCHEMES and (parts.scheme == "unix" or parts.port != 0)
        except ValueError:
            is_readable = False
        if not is_readable:
            raise InvalidCacheUrlError(
                f"The URL of the shared cache cannot be read. Supported: {_SUPPORTED}; every character of the password "
                "that is neither letter nor digit as %XX."
            )
        for name, value in options.items():
            if name not in _OPTIONS or (name.startswith("ssl_") and parts.scheme != "rediss"):
                known = ", ".join(sorted(_OPTIONS))
                raise InvalidCacheUrlError(
                    f"The URL of the shared cache has an option that is not one of {known}, "
                    "or that is not for its scheme."
                )
            if not _OPTIONS[name].fullmatch(value):
                raise InvalidCacheUrlError(f"The option '{name}' of the shared cache's URL has no usable value.")
        is_cluster = options.pop("cluster", "false") == "true"
        database = options.get("db") or parts.path.removeprefix("/")
        if parts.scheme != "unix" and not re.fullmatch("[0-9]{0,5}", database):
            raise InvalidCacheUrlError("The path of the shared cache's URL must be the number of a database.")
        if is_cluster and (parts.scheme == "unix" or database not in ("", "0")):
            raise InvalidCacheUrlError("A cluster is reached by host and port, and has no database but 0.")
        _check_installed()
        query = urlencode(options, quote_via=quote)
        return cls(url.partition("#")[0].partition("?")[0] + (query and f"?{query}"), is_cluster)


def _check_installed() -> None:
    try:
        import redis  # noqa: F401
    except ModuleNotFoundError as error:
        raise InvalidCacheUrlError(
            "A shared cache needs a package that is not installed: pip install 'llm-schema-registry[redis]'"
        ) from error
