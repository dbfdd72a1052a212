"""Cache key: normalizes requests that must share a response."""

# Fields that no answer depends on: who asks with what, by which way, what is held already, and what was seen to before.
_WITHOUT_MEANING = frozenset(
    {
        b"accept-encoding",
        b"accept-language",
        b"baggage",
        b"cache-control",
        b"connection",
        b"forwarded",
        b"host",
        b"if-none-match",
        b"keep-alive",
        b"pragma",
        b"traceparent",
        b"tracestate",
        b"user-agent",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-registry-min-revision",
        b"x-request-id",
    }
)
_METHODS = frozenset({b"GET", b"HEAD"})


def cache_key(request: bytes) -> object:
    """A value that two requests share when the answer to one serves the other; `None` for what is no plain read.

    Every field that is not known to be without meaning counts, credentials before all.

    Args:
        request: the bytes of a whole request.
    """
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    method, _, target = line.partition(b" ")
    if body or method not in _METHODS:
        return None
    meant = []
    for field in fields:
        name, _, value = field.partition(b":")
        name = name.lower()
        if name not in _WITHOUT_MEANING:
            meant.append((name, value.strip()))
    return target, tuple(sorted(meant))
