"""What needs the whole text: names that are defined further down, redefinitions, depth."""

from llm_schema_registry.core.budget import MAX_DEPTH, Budget
from llm_schema_registry.formats.avro.model import (
    Array,
    AvroType,
    EnumType,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Union,
)
from llm_schema_registry.formats.avro.node_reader import NodeReader, Unresolved
from llm_schema_registry.formats.avro.rules import invalid


def resolve(root: AvroType, reader: NodeReader) -> AvroType:
    """Puts types in the place of names that were not known yet, and returns the root.

    Apache Avro 1.12 allows a name before its definition.

    Raises:
        InvalidSchemaError: a name is defined nowhere.
    """
    if not reader.unresolved:
        return root

    def defined(node: AvroType) -> AvroType:
        if not isinstance(node, Unresolved):
            pending.append(node)
            return node
        for name in node.candidates:
            if name in reader.types:
                return reader.types[name]
        raise invalid("avro.UNDEFINED_TYPE", f"Undefined schema: {node.candidates[0]}", node.path)

    pending: list[AvroType] = []
    seen: set[int] = set()
    root = defined(root)
    pending.extend(again for again, _, _ in reader.redefinitions)
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Record):
            for member in node.fields:
                member.type = defined(member.type)
        elif isinstance(node, Union):
            node.branches = [defined(branch) for branch in node.branches]
        elif isinstance(node, Array):
            node.items = defined(node.items)
        elif isinstance(node, Map):
            node.values = defined(node.values)
    return root


def check_depth(root: AvroType) -> None:
    """Refuses a schema whose text, with every name written out at its first use, is nested too deeply.

    Names can chain types much deeper than the text is nested; everything that walks types relies on this bound.
    """
    seen: set[int] = set()
    pending = [(root, 1)]
    while pending:
        node, depth = pending.pop()
        if isinstance(node, Named):
            if id(node) in seen:
                continue
            seen.add(id(node))
        children = list(node.children())
        # A record nests its object, the list of fields and the object of the field.
        inner = depth + 3 if isinstance(node, Record) else depth + 1
        if children and inner > MAX_DEPTH:
            raise invalid("avro.TOO_DEEP", f"Schema is nested deeper than {MAX_DEPTH} levels", "")
        pending.extend((child, inner) for child in reversed(children) if not isinstance(child, Primitive))


def check_unions(reader: NodeReader) -> None:
    """Refuses unions that have two branches of one name, which a reader could not tell apart."""
    for union, path in reader.unions:
        seen = set()
        for index, branch in enumerate(union.branches):
            if branch.branch_name in seen:
                message = f"Duplicate in union:{branch.branch_name}"
                raise invalid("avro.INVALID_UNION", message, f"{path}/{index}")
            seen.add(branch.branch_name)


def alike(one: AvroType, other: AvroType, budget: Budget) -> bool:
    """Whether two types are equal as Apache Avro's `Schema.equals` sees it: all but `doc` and `aliases` counts."""
    return _Likeness(budget).holds(one, other)


def needs_no_resolution(reader: AvroType, writer: AvroType, budget: Budget) -> bool:
    """Whether a reader takes the data of a writer as it is, since the two types are `alike`.

    Apache Avro then ignores aliases, and other codecs match fields by name first. An alias that the reader adds to
    one of its own fields for another one is refused all the same: codecs disagree about it after the next change.
    """
    return _Likeness(budget, confusing_aliases=False).holds(reader, writer)


class _Likeness:
    """Compares pairs of types; a pair that is met again while it is being compared counts as alike.

    Args:
        budget: one step is spent per pair.
        confusing_aliases: whether the first side may have aliases that name another field of the same record and
            that the other side does not have.
    """

    __slots__ = ("_budget", "_confusing_aliases", "_seen")

    def __init__(self, budget: Budget, *, confusing_aliases: bool = True) -> None:
        self._budget = budget
        self._confusing_aliases = confusing_aliases
        self._seen: set[tuple[int, int]] = set()

    def holds(self, one: AvroType, other: AvroType) -> bool:
        """Whether two types are alike."""
        self._budget.spend()
        pair = (id(one), id(other))
        if one is other or pair in self._seen:
            return True
        self._seen.add(pair)
        if one.kind != other.kind or one.props != other.props or one.branch_name != other.branch_name:
            return False
        if isinstance(one, EnumType) and isinstance(other, EnumType):
            return one.symbols == other.symbols and one.default == other.default
        if isinstance(one, Fixed) and isinstance(other, Fixed):
            return one.size == other.size
        if isinstance(one, Record) and isinstance(other, Record):
            return len(one.fields) == len(other.fields) and all(
                self._same_field(mine, theirs, one) and self.holds(mine.type, theirs.type)
                for mine, theirs in zip(one.fields, other.fields, strict=True)
            )
        mine, theirs = list(one.children()), list(other.children())
        return len(mine) == len(theirs) and all(self.holds(a, b) for a, b in zip(mine, theirs, strict=True))

    def _same_field(self, one: Field, other: Field, record: Record) -> bool:
        return (
            one.name == other.name
            and one.default == other.default
            and one.order == other.order
            and one.props == other.props
            and (
                self._confusing_aliases
                or all(alias in other.aliases for alias in one.aliases if alias in record.by_name)
            )
        )
