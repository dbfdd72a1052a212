"""Random JSON Schemas of one dialect, changes of them, and payloads that are often valid."""

import copy
import json

NEWEST = "https://json-schema.org/draft/2020-12/schema"
NAMES = ("a", "b", "c", "d")
SCALARS = (
    None,
    True,
    False,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    -1,
    0.5,
    2.5,
    1.0,
    "",
    "a",
    "ab",
    "abc",
    "abcd",
    "abcdef",
    "b",
)


class Schemas:
    """Random schemas of one dialect, small enough that random changes often hit what matters."""

    def __init__(self, random, newest):
        self.random = random
        self.newest = newest
        self.counting = random.random() < 0.5

    def document(self):
        schema = self.random.choice([self.object, self.object, self.array, self.combined, self.schema])(3)
        if not isinstance(schema, dict):
            schema = {"properties": {"a": schema}}
        head = {"$schema": NEWEST} if self.newest else {}
        if "$ref" in json.dumps(schema):
            definitions = {"t": self.schema(1), "n": self.node()}
            head["$defs" if self.newest else "definitions"] = definitions
        return {**head, **schema}

    def node(self):
        return {"type": "object", "properties": {"a": self.schema(0), "b": self.reference("n")}}

    def reference(self, name):
        return {"$ref": f"#/{'$defs' if self.newest else 'definitions'}/{name}"}

    def schema(self, depth):
        makers = [self.string, self.number, self.enum, self.trivial]
        if depth:
            makers += [self.object, self.object, self.array, self.array, self.types, self.combined, self.negated]
            makers += [lambda depth: self.reference(self.random.choice("tn"))]
        return self.random.choice(makers)(depth - 1)

    def maybe(self, **keywords):
        return {key: make() for key, make in keywords.items() if self.random.random() < 0.25}

    def small(self):
        return self.random.randrange(6)

    def trivial(self, depth):
        return self.random.choice([{"type": "boolean"}, {"type": "null"}, {}, True, False])

    def string(self, depth):
        untyped = {} if self.random.random() < 0.15 else {"type": "string"}
        pattern = lambda: self.random.choice(["^a", "b"])  # noqa: E731
        return untyped | self.maybe(minLength=self.small, maxLength=self.small, pattern=pattern)

    def number(self, depth):
        untyped = {} if self.random.random() < 0.15 else {"type": self.random.choice(["integer", "number"])}
        step = lambda: self.random.choice([1, 2, 4, 3, 0.5])  # noqa: E731
        limits = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        return untyped | self.maybe(**dict.fromkeys(limits, self.small), multipleOf=step)

    def enum(self, depth):
        values = self.random.sample(["a", "ab", "b", 1, 2, None, True], self.random.randrange(1, 4))
        schema = {"const": values[0]} if self.random.random() < 0.3 else {"enum": values}
        return schema | ({"type": "string"} if self.random.random() < 0.3 else {})

    def types(self, depth):
        kinds = ["string", "integer", "number", "boolean", "null", "object", "array"]
        schema = {"type": self.random.sample(kinds, self.random.randrange(1, 4))}
        return schema | self.maybe(minLength=self.small, maximum=self.small, maxItems=self.small)

    def combined(self, depth):
        keyword = self.random.choice(["anyOf", "allOf", "oneOf"])
        branches = [self.schema(depth) for _ in range(self.random.randrange(1, 4))]
        if self.random.random() < 0.2:
            branches.append(branches[0])
        return {keyword: branches} | ({"type": "object"} if self.random.random() < 0.2 else {})

    def negated(self, depth):
        return {"not": self.random.choice([self.string, self.number, self.enum, self.object])(0)}

    def names(self):
        return self.random.sample(NAMES, self.random.randrange(3))

    def rest(self, depth):
        return self.random.choice([False, False, True, self.schema(depth)])

    def object(self, depth):
        depth = max(depth, 0)
        schema = {} if self.random.random() < 0.15 else {"type": "object"}
        schema["properties"] = {name: self.schema(depth) for name in self.names()}
        rest = lambda: self.rest(depth)  # noqa: E731
        schema |= self.maybe(required=self.names, additionalProperties=rest, additional=rest)
        schema |= self.maybe(minProperties=self.small, maxProperties=self.small)
        if "additional" in schema:
            schema["unevaluatedProperties" if self.newest else "additionalProperties"] = schema.pop("additional")
        if self.random.random() < 0.15:
            names, keyword = {"a": self.names()}, "dependentRequired" if self.newest else "dependencies"
            schema[keyword] = names
        return schema

    def array(self, depth):
        depth = max(depth, 0)
        schema = {} if self.random.random() < 0.15 else {"type": "array"}
        one, rest = (lambda: self.schema(depth)), (lambda: self.rest(depth))
        tuple_ = lambda: [self.schema(depth) for _ in range(self.random.randrange(1, 3))]  # noqa: E731
        if self.newest:
            schema |= self.maybe(prefixItems=tuple_, items=rest)
            # Never both: see the laxities.
            schema |= self.contains() if self.counting else self.maybe(unevaluatedItems=rest)
        else:
            schema |= {"items": self.random.choice([one, tuple_])()} if self.random.random() < 0.7 else {}
            schema |= self.maybe(additionalItems=rest, contains=lambda: {"type": "string"})
        return schema | self.maybe(minItems=self.small, maxItems=self.small, uniqueItems=lambda: True)

    def contains(self):
        return {"contains": {"type": "string"}} | self.maybe(minContains=self.small, maxContains=self.small)

    def changed(self, schema):
        """The schema with one or two places made anew, or one of their keywords taken from a new one."""
        whole = {"not": copy.deepcopy(schema)}
        for _ in range(self.random.randrange(1, 3)):
            self.change(*self.random.choice(list(_places(whole))))
        head = {key: value for key, value in schema.items() if key in ("$schema", "$defs", "definitions")}
        return {**head, **whole["not"]} if isinstance(whole["not"], dict) else schema

    def change(self, holder, key):
        old = holder[key]
        if not isinstance(old, dict) or self.random.random() < 0.2:
            holder[key] = self.schema(1)
            return
        similar = self.similar(old)
        if self.random.random() < 0.1:
            similar.pop("type", None)
        for keyword in self.random.sample(sorted({*old, *similar}), 1):
            if keyword in similar:
                old[keyword] = similar[keyword]
            else:
                del old[keyword]

    def similar(self, schema):
        """A schema of the same make, with more keywords than usual."""
        makers = {"string": self.string, "integer": self.number, "number": self.number, "array": self.array}
        makers |= {"properties": self.object, "items": self.array, "prefixItems": self.array, "not": self.negated}
        makers |= {"enum": self.enum, "const": self.enum} | dict.fromkeys(("anyOf", "allOf", "oneOf"), self.combined)
        kind = schema.get("type")
        found = [makers[key] for key in (kind, *schema) if isinstance(key, str) and key in makers] or [self.enum]
        maker = self.random.choice(found)
        return {**maker(1), **maker(1), **maker(1)}


def _places(schema):
    """Every subschema, as the container and key that hold it."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in ("properties", "definitions", "$defs"):
            held = [(value, name) for name in value]
        elif keyword in ("anyOf", "allOf", "oneOf", "prefixItems") or (keyword == "items" and isinstance(value, list)):
            held = [(value, index) for index in range(len(value))]
        elif keyword in ("additionalProperties", "unevaluatedProperties", "items", "additionalItems", "not"):
            held = [(schema, keyword)]
        else:
            continue
        for holder, key in held:
            yield holder, key
            yield from _places(holder[key])


def value_for(schema, random, definitions, depth=4):
    """A value that is often valid, and often just so."""
    if depth <= 0 or random.random() < 0.1 or not isinstance(schema, dict):
        return random.choice(SCALARS)
    if "$ref" in schema:
        return value_for(definitions[schema["$ref"][-1]], random, definitions, depth - 1)
    branches = [branch for key in ("anyOf", "oneOf", "allOf") for branch in schema.get(key, ())]
    if branches:
        return value_for(random.choice(branches), random, definitions, depth)
    if "enum" in schema or "const" in schema:
        return random.choice([*schema.get("enum", ()), schema.get("const", "a")])
    kind = schema.get("type", "object" if "properties" in schema else None)
    kind = random.choice(kind) if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties", {})
        chosen = {*random.sample(NAMES, random.randrange(3)), *schema.get("required", ())}
        return {name: value_for(properties.get(name), random, definitions, depth - 1) for name in sorted(chosen)}
    if kind == "array" or "items" in schema or "prefixItems" in schema:
        items = schema.get("prefixItems", schema.get("items"))
        inner = items if isinstance(items, list) else [items]
        return [value_for(random.choice(inner), random, definitions, depth - 1) for _ in range(random.randrange(4))]
    near = {"string": str, "integer": int, "number": (int, float), "boolean": bool}.get(kind)
    return random.choice([value for value in SCALARS if near is None or isinstance(value, near)])
