"""URI references as schemas write them: compared and given to the validator library in one normal form.

Beyond RFC 3986, letters outside ASCII and brackets may stand unencoded, as in IRIs and in what most libraries accept.
Percent-encoded and plain spellings of the same octets are equal; Unicode normalization is not applied.
"""

import re
from urllib.parse import quote, unquote, urljoin

_PLAIN = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=-]*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_FORBIDDEN = re.compile(r'%(?![0-9A-Fa-f]{2})|[\x00-\x20"<>\\^`{|}\x7f]')
_RESERVED = "/?:@!$&'()*+,;=~"
_ALLOWED = _RESERVED + "%"


def normal(reference: str) -> str:
    """The reference with every character that a URI does not allow percent-encoded as UTF-8, and no other."""
    if _PLAIN.fullmatch(reference) and reference.count("#") < 2:
        return reference
    start = _AUTHORITY.match(reference)
    authority = start[0] if start else ""
    before, hash_sign, fragment = reference[len(authority) :].partition("#")
    return quote(authority, safe=_ALLOWED + "[]") + _encoded(before) + hash_sign + _encoded(fragment)


def pointer_fragment(pointer: str) -> str:
    """A JSON pointer as a URI fragment."""
    return quote(pointer, safe=_RESERVED)


def join(base: str, reference: str) -> str:
    """`reference` resolved against `base`, both normal; also against bases of which `urllib` knows no hierarchy."""
    if reference.startswith("#"):
        return base + reference
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def forbidden(reference: str) -> str:
    """The first character that has to be percent-encoded, or an empty string."""
    found = _FORBIDDEN.search(reference)
    if found is not None:
        return found[0]
    if reference.count("#") > 1:
        return "#"
    return next((each for each in reference if not each.isascii() and not each.isprintable()), "")


def has_scheme(reference: str) -> bool:
    """Whether the reference is a URI, not relative to another one."""
    return _SCHEME.match(reference) is not None


def _encoded(text: str) -> str:
    stray = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    return _ESCAPE.sub(_plain_escape, quote(stray, safe=_ALLOWED))


def _plain_escape(escape: re.Match[str]) -> str:
    decoded = unquote(escape[0])
    return decoded if _UNRESERVED.fullmatch(decoded) else escape[0].upper()
