"""A parsed Avro schema."""

from collections.abc import Mapping

from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.avro.canonical import rendered
from llm_schema_registry.formats.avro.model import AvroType, Named
from llm_schema_registry.formats.format import SchemaType


class AvroSchema:
    """An Avro schema and its texts. Immutable; the texts are made at first use and kept.

    Attributes:
        root: the type of the whole.
        types: every named type it can see by full name, those of its references included.
        referenced: the full names of the types that are references; they stay names in the canonical text.
        foreign: the full names of all types that references define, nested ones included.
    """

    __slots__ = ("_canonical", "_normalized", "_readable", "_resolved", "foreign", "referenced", "root", "types")

    def __init__(
        self,
        root: AvroType,
        types: Mapping[str, Named],
        referenced: frozenset[str] = frozenset(),
        foreign: frozenset[str] = frozenset(),
    ) -> None:
        self.root = root
        self.types = types
        self.referenced = referenced
        self.foreign = foreign
        self._canonical: str | None = None
        self._normalized: str | None = None
        self._readable: str | None = None
        self._resolved: str | None = None

    @property
    def schema_type(self) -> SchemaType:
        """Always Avro."""
        return SchemaType.AVRO

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Always empty."""
        return ()

    @property
    def canonical(self) -> str:
        """The canonical text; types that are references stay names, types nested in them are written out."""
        if self._canonical is None:
            self._canonical = rendered(self.root, self.referenced)
        return self._canonical

    def normalized(self) -> str:
        """The normal form; types that are references stay names."""
        if self._normalized is None:
            self._normalized = rendered(self.root, self.referenced, normal=True)
        return self._normalized

    @property
    def resolved(self) -> str:
        """The canonical text with the types of references written out."""
        if not self.referenced:
            return self.canonical
        if self._resolved is None:
            self._resolved = rendered(self.root)
        return self._resolved

    @property
    def readable(self) -> str:
        """The canonical text with a name for every type that a reference defines.

        Codecs other than Apache Avro's for Java refuse a text that defines such a type again. The type of the whole
        stays as it is: most codecs take no text that is only a name.
        """
        if self.foreign == self.referenced or (isinstance(self.root, Named) and self.root.full_name in self.foreign):
            return self.canonical
        if self._readable is None:
            self._readable = rendered(self.root, self.foreign)
        return self._readable

    def rendered(self, form: str) -> str:
        """The text in the form `resolved`; any other name gives the text that clients read."""
        return self.resolved if form == "resolved" else self.readable
