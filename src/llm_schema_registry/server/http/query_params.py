"""Query parameters: Structs declare them, and they are read as leniently as the Confluent registry reads them."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec

from llm_schema_registry.server.http.errors import HttpError

_MAX_FIELDS = 200


class Query(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of all queries; by itself: no parameters. Unknown parameters are ignored."""


class Page(Query, frozen=True, kw_only=True):
    """A part of a list."""

    offset: Annotated[int, msgspec.Meta(description="How many to skip.")] = 0
    limit: Annotated[int, msgspec.Meta(description="How many at most; 0 or less for as many as there may be.")] = -1

    @property
    def start(self) -> int:
        """Where the page begins."""
        return max(self.offset, 0)

    def size(self, maximum: int | None = None) -> int | None:
        """How many belong to the page: a limit out of range falls back to the maximum."""
        return self.limit if self.limit > 0 and (maximum is None or self.limit <= maximum) else maximum

    def cut(self, items: Sequence[Any]) -> Sequence[Any]:
        """The page of a list that is there as a whole."""
        size = self.size()
        return items[self.start : None if size is None else self.start + size]


class Parameter(NamedTuple):
    """A query parameter as it is read.

    Attributes:
        name: on the wire.
        aliases: what widespread clients call it instead.
        field: of the Struct.
        read: from text to value.
        many: whether it may be repeated.
        type: of the field.
        default: of the field.
        description: for people.
    """

    name: str
    aliases: tuple[str, ...]
    field: str
    read: Callable[[str], Any]
    many: bool
    type: Any
    default: Any
    description: str


_Q = TypeVar("_Q", bound=Query)


def read_query(kind: type[_Q], text: bytes) -> _Q:
    """The parameters of a query string; raises `HttpError` for what the Confluent registry refuses."""
    if not text:
        return kind()
    try:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise HttpError(400, f"The query has more than {_MAX_FIELDS} parameters.") from None
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    values: dict[str, Any] = {}
    for parameter in parameters_of(kind):
        for name in (parameter.name, *parameter.aliases):
            if name in given:
                texts = given[name]
                values[parameter.field] = (
                    tuple(map(parameter.read, texts)) if parameter.many else parameter.read(texts[0])
                )
                break
    return kind(**values)


@cache
def parameters_of(kind: type[Query]) -> tuple[Parameter, ...]:
    """The parameters that a query declares."""
    hints = get_type_hints(kind, include_extras=True)
    parameters = []
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        meta = hint.__metadata__[0]
        plain = _without_none(hint.__origin__)
        many = get_origin(plain) is tuple
        item = get_args(plain)[0] if many else plain
        parameters.append(
            Parameter(
                name=field.encode_name,
                aliases=(meta.extra or {}).get("aliases", ()),
                field=field.name,
                read=_READERS[item],
                many=many,
                type=item,
                default=field.default,
                description=meta.description or "",
            )
        )
    return tuple(parameters)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, type(int | None)):
        return next(each for each in get_args(hint) if each is not type(None))
    return hint


def _integer(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) < 2**31):
        # As JAX-RS has it: a parameter of the wrong type names a resource that does not exist.
        raise HttpError.not_found()
    return int(text)


_READERS: dict[Any, Callable[[str], Any]] = {
    bool: lambda text: text.lower() == "true",
    int: _integer,
    str: str,
}
