"""JSON Schemas of all drafts with all keywords that constrain payloads, for the policy EXACT.

Half of them have recursive definitions. The reader's schema is often of another draft, and sometimes one of its own.
"""

import copy
import json

from llm_schema_registry.compatibility import Policy
from llm_schema_registry.formats import SchemaType
from property.json_schemas import SCALARS, Schemas, value_for
from property.materials import without_one_part
from property.recursive_schemas import RecursiveJson

DRAFTS = {
    "4": "http://json-schema.org/draft-04/schema#",
    "6": "http://json-schema.org/draft-06/schema#",
    "7": "http://json-schema.org/draft-07/schema#",
    "2019": "https://json-schema.org/draft/2019-09/schema",
    "2020": "https://json-schema.org/draft/2020-12/schema",
}
_TEXTS = ("", "b", "ba", "aa", "2020-01-01", "a@b.co", "1", "é", "192.0.2.1", "b\n")
_NUMBERS = (1.0, 2.0, 1e3, 12, 7, -0.0)
_NAMES = ("a", "b", "c", "d", "ab", "ba")
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


class _AllKeywords(Schemas):
    """Schemas with the keywords that the Confluent registry does not compare, too."""

    def schema(self, depth):
        if depth and self.random.random() < 0.2:
            makers = (self.conditional, self.named, self.patterned, self.formatted, self.dependent)
            return self.random.choice(makers)(depth - 1)
        return super().schema(depth)

    def conditional(self, depth):
        one = lambda: self.schema(depth)  # noqa: E731
        return {"if": one()} | self.maybe(**{"then": one, "else": one})

    def named(self, depth):
        names = ({"maxLength": 1}, {"pattern": "^a"}, {"enum": ["a", "b"]}, {"minLength": 2}, {"not": {"const": "a"}})
        return {"propertyNames": self.random.choice(names)} | self.maybe(minProperties=self.small, required=self.names)

    def patterned(self, depth):
        one, rest = (lambda: self.schema(depth)), (lambda: self.rest(depth))
        patterns = {self.random.choice(("^a", "b", "^[ab]$", ".")): one()}
        declared = lambda: {name: one() for name in self.names()}  # noqa: E731
        limits = {"minProperties": self.small, "maxProperties": self.small}
        more = self.maybe(additionalProperties=rest, properties=declared, **limits)
        return {"type": "object", "patternProperties": patterns} | more

    def formatted(self, depth):
        formats = lambda: self.random.choice(("date", "email", "ipv4", "uuid", "unknown"))  # noqa: E731
        patterns = lambda: self.random.choice(("^a", "b", "^[a-c]+$", "^a?b$", r"^\d+$"))  # noqa: E731
        return {"type": "string"} | self.maybe(format=formats, minLength=self.small, pattern=patterns)

    def dependent(self, depth):
        keyword = "dependentSchemas" if self.newest else "dependencies"
        return {keyword: {"a": self.schema(depth)}} | self.maybe(required=self.names)


class ExactJson:
    """JSON Schemas whose verdict is that of EXACT."""

    schema_type = SchemaType.JSON
    policy = Policy.EXACT

    def schema(self, random):
        draft = random.choice([*DRAFTS, "7", "2020"])
        if random.random() < 0.4:
            schema = RecursiveJson().schema(random)
        else:
            schema = _AllKeywords(random, newest=draft == "2020").document()
        return self._in_draft(schema, draft)

    def changed(self, model, random):
        draft = next(name for name, uri in DRAFTS.items() if uri == model["$schema"])
        if random.random() < 0.1:
            return self.schema(random)
        if "additionalProperties" in model and "A" in model.get("definitions", ()):
            changed = RecursiveJson().changed(model, random)
        else:
            changed = _AllKeywords(random, newest=draft == "2020").changed(copy.deepcopy(model))
        others = ["2019"] if draft == "2020" else ["4", "6", "7", "2019"]
        return self._in_draft(changed, draft if random.random() < 0.75 else random.choice(others))

    def text(self, model):
        return json.dumps(model)

    def payload(self, model, random):
        if random.random() < 0.5:
            return self._any(random, 3)
        if "A" in model.get("definitions", ()):
            return RecursiveJson().payload(model, random)
        return value_for(model, random, model.get("$defs") or model.get("definitions") or {})

    def smaller(self, model):
        return without_one_part(model)

    def _any(self, random, depth):
        chance = random.random()
        if depth and chance < 0.25:
            return {random.choice(_NAMES): self._any(random, depth - 1) for _ in range(random.randrange(4))}
        if depth and chance < 0.45:
            return [self._any(random, depth - 1) for _ in range(random.randrange(5))]
        return random.choice((*SCALARS, *_TEXTS, *_NUMBERS))

    def _in_draft(self, schema, draft):
        return {**_bounds_of(schema, is_draft_4=draft == "4"), "$schema": DRAFTS[draft]}


def _bounds_of(schema, *, is_draft_4):
    """The schema with exclusive bounds in the notation of draft-04, or of the others."""
    if isinstance(schema, list):
        return [_bounds_of(each, is_draft_4=is_draft_4) for each in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _bounds_of(value, is_draft_4=is_draft_4) for key, value in schema.items()}
    for exclusive, plain in _EXCLUSIVE.items():
        bound = schema.get(exclusive)
        if is_draft_4 and isinstance(bound, (int, float)) and not isinstance(bound, bool):
            schema |= {plain: bound, exclusive: True}
        elif not is_draft_4 and bound is True and plain in schema:
            schema[exclusive] = schema.pop(plain)
    return schema


EXACT = {SchemaType.JSON: ExactJson()}
