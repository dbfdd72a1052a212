"""Requests of web pages: CORS, protection against cross-site writes, and against DNS rebinding.

A browser sends requests on behalf of any page that its user opens, and reaches servers that the page's author cannot:
those on loopback above all. The rules follow the Fetch standard.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.machine import is_loopback
from llm_schema_registry.server.settings import Settings

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ANY = "*"
_PREFLIGHT_SECONDS = b"600"
_EXPOSED = b"ETag, Age, Warning, Retry-After, X-Request-Id, X-Registry-Revision"
_PORT = re.compile(r":[0-9]*\Z")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN: Final = b"origin"
_FETCH_SITE: Final = b"sec-fetch-site"
_READ = frozenset({b"host", _ORIGIN, _FETCH_SITE})

Headers = Iterable[tuple[bytes, bytes]]
Answer = list[tuple[bytes, bytes]]


class OriginPolicy:
    """Which pages may read, and which may write.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: Settings) -> None:
        origins = settings.cors_origin_list()
        self._any = _ANY in origins
        self._allowed = frozenset(filter(None, map(normal_origin, origins)))
        self._own = normal_origin(settings.public_url)
        self._credentials = settings.cors_credentials
        self._methods = _joined(settings.cors_methods)
        self._headers = _joined(settings.cors_headers)
        self._host_is_allowed: Callable[[bytes], bool] | None = None
        if is_loopback(settings.host):
            public = host_name(urlsplit(settings.public_url).netloc)
            names = frozenset({*settings.allowed_host_list(), public}) - {""}
            self._host_is_allowed = lru_cache(256)(lambda host: _is_among(names, host_name(host.decode("latin-1"))))
        self.has_cors = bool(origins)

    def check(self, method: str, headers: Headers) -> None:
        """Raises `HttpError`: 403 for a host or a page that is not allowed, 415 for a page's body without a type."""
        read = [header for header in headers if header[0] in _READ]
        host = next((value for name, value in read if name == b"host"), None)
        if host is not None and self._host_is_allowed is not None and not self._host_is_allowed(host):
            raise HttpError(
                403,
                f"The host {_shown(host)} is not allowed: the server listens on loopback without authentication. "
                "Add it to LSR_ALLOWED_HOSTS, or set LSR_PUBLIC_URL behind a proxy.",
            )
        if method in _SAFE or all(name == b"host" for name, _ in read):
            return
        self._check_write(read, host)
        fields = dict(headers)
        has_body = b"transfer-encoding" in fields or fields.get(b"content-length", b"0").strip(b"0") != b""
        if has_body and not fields.get(b"content-type", b"").strip():
            raise HttpError(415, "A request of a web page needs a Content-Type for its body, e.g. application/json.")

    def _check_write(self, read: Sequence[tuple[bytes, bytes]], host: bytes | None) -> None:
        origins = [value for name, value in read if name == _ORIGIN]
        own = {self._own}
        # A page that rebinds its name chooses the host: it counts where it is checked, or nothing better is known.
        if host is not None and (self._own is None or self._host_is_allowed is not None):
            own.add(normal_origin(f"http://{host.decode('latin-1')}"))
        own.discard(None)
        for origin in origins:
            if not self._is_allowed(origin) and normal_origin(origin.decode("latin-1")) not in own:
                raise HttpError(
                    403,
                    f"The origin {_shown(origin)} may not change anything here. "
                    "Add it to LSR_CORS_ORIGINS; behind a proxy set LSR_PUBLIC_URL.",
                )
        cross_site = any(name == _FETCH_SITE and value.lower() == b"cross-site" for name, value in read)
        if cross_site and not origins:
            raise HttpError(403, "A page of another site may not change anything here. Add it to LSR_CORS_ORIGINS.")

    def preflight(self, method: str, headers: Headers) -> bool:
        """Whether a request is the preflight of a page that is allowed."""
        if method != "OPTIONS":
            return False
        fields = dict(headers)
        return b"access-control-request-method" in fields and self._is_allowed(fields.get(_ORIGIN, b""))

    def permissions(self, headers: Headers, *, preflight: bool = False) -> Answer:
        """The headers that let a page read an answer, or say what it may send."""
        origin = next((value for name, value in headers if name == _ORIGIN), b"")
        if self._any:
            answer: Answer = [(b"access-control-allow-origin", b"*")]
        else:
            answer = [(b"vary", b"Origin")]
            if self._is_allowed(origin):
                answer.append((b"access-control-allow-origin", origin))
        if not self._is_allowed(origin):
            return answer
        if self._credentials:
            answer.append((b"access-control-allow-credentials", b"true"))
        if preflight:
            answer.append((b"access-control-allow-methods", self._methods))
            answer.append((b"access-control-allow-headers", self._headers))
            answer.append((b"access-control-max-age", _PREFLIGHT_SECONDS))
        else:
            answer.append((b"access-control-expose-headers", _EXPOSED))
        return answer

    def _is_allowed(self, origin: bytes) -> bool:
        """Whether CORS allows an origin."""
        return (
            self.has_cors and origin != b"" and (self._any or normal_origin(origin.decode("latin-1")) in self._allowed)
        )


def normal_origin(url: str) -> str | None:
    """The origin of a URL in lower case, without its scheme's own port; `None` for anything else, like `null`."""
    try:
        parts = urlsplit(url.strip().lower())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def host_name(host: str) -> str:
    """The name in a `Host` header field: without port, brackets and the dot at the end, in lower case."""
    return _PORT.sub("", host.strip().lower()).removeprefix("[").removesuffix("]").removesuffix(".")


def _is_among(names: frozenset[str], name: str) -> bool:
    return name in names or name.endswith(".localhost") or is_loopback(name)


def _joined(text: str) -> bytes:
    return ", ".join(part.strip() for part in text.split(",")).encode("latin-1")


def _shown(value: bytes) -> str:
    return repr(value[:100].decode("latin-1"))
