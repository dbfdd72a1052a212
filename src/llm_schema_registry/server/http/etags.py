"""Entity tags and conditional requests (RFC 9110, 8.8.3 and 13)."""

import re
from collections.abc import Iterable
from hashlib import blake2b

_TAG_BYTES = 15
_TAGS = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def entity_tag(body: bytes, media_type: str) -> str:
    """The strong entity tag of an answer: equal for equal bytes of one media type, and for nothing else."""
    digest = blake2b(media_type.encode() + b"\0", digest_size=_TAG_BYTES)
    digest.update(body)
    return f'"{digest.hexdigest()}"'


def is_among(tag: str, if_none_match: str) -> bool:
    """Whether the answer with this tag is one that the client holds.

    The comparison is weak, so that a tag which a proxy weakened when it compressed the answer is still known
    (RFC 9110, 13.1.2).

    Args:
        tag: of the answer.
        if_none_match: the value of the header: `*`, or a list of tags; what is neither matches nothing.
    """
    return if_none_match.strip() == "*" or tag in _TAGS.findall(if_none_match)


def if_none_match(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The value of the header `If-None-Match` among the headers of a request, of all of them if there are several."""
    values = [value for name, value in headers if name == b"if-none-match"]
    return b", ".join(values).decode("latin-1") if values else None
