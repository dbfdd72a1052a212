"""Schemas whose types form cycles, with places that rescue a type, in all three formats.

A few types refer to each other and are referred to from several places of the root. Some of these places have a second
branch that accepts what the type does not. A change is small: the type of one leaf, or one rescue more or less. Wrong
verdicts over cycles are dense here, and practically absent among schemas that are random in every respect.
"""

import copy
import json

from llm_schema_registry.formats import SchemaType
from property import protobuf_schemas
from property.materials import ProtobufMaterial, permuted, shuffled, without_one_part

PLACES = ("p", "q", "r", "s")


class RecursiveJson:
    """JSON Schemas of `definitions` A to D."""

    schema_type = SchemaType.JSON
    leaves = ({"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"const": "a"}, {})
    # Branches that a permutation may change in two ways.
    listed = (
        {"enum": ["a", "b", None]},
        {"type": ["string", "null"]},
        {"required": ["k", "x"]},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        {"dependencies": {"k": ["x", "y"], "l": {"properties": {"n": {"type": "string"}}}}},
    )

    def schema(self, random):
        names = "ABCD"[: random.randint(1, 4)]
        definitions = {name: self.definition(random, names) for name in names}
        if random.random() < 0.7:
            for name, following in zip(names, names[1:] + names[:1], strict=True):
                definitions[name]["properties"]["k"] = {"$ref": f"#/definitions/{following}"}
        return {
            "definitions": definitions,
            "properties": {place: self.use(random, names, 2) for place in PLACES[: random.randint(2, 4)]},
            "additionalProperties": False,
        }

    def definition(self, random, names):
        links = {link: self.use(random, names, random.choice((0, 2))) for link in "klm"[: random.randint(1, 3)]}
        leaves = {leaf: random.choice(self.leaves) for leaf in "xy"[: random.randint(1, 2)]}
        members = [*links.items(), *leaves.items()]
        random.shuffle(members)
        closed = {"additionalProperties": False} if random.random() < 0.7 else {}
        return {"type": "object", "properties": dict(members), **closed}

    def use(self, random, names, depth):
        """A schema that leads to a definition."""
        inner = {"$ref": f"#/definitions/{random.choice(names)}"}
        if depth and random.random() < 0.3:
            inner = self.use(random, names, depth - 1)
        plain = [
            *[lambda: inner] * 6,
            lambda: {"type": "array", "items": inner},
            lambda: {"type": "object", "additionalProperties": inner},
            lambda: {"type": "object", "properties": {"n": inner}, "additionalProperties": False},
            lambda: {"type": "object", "dependencies": {"n": {"properties": {"n": inner}}}},
            lambda: {"not": {"type": "object", "properties": {"n": inner}, "required": ["n"]}},
        ]
        return self.combined(random, names, inner) if random.random() < 0.3 else random.choice(plain)()

    def combined(self, random, names, inner):
        other = {"$ref": f"#/definitions/{random.choice(names)}"}
        branches = random.choice(
            ([inner, other], [inner, {"type": "null"}], [inner, {}], [inner, other, {"type": "string"}])
        )
        branches = [each for index, each in enumerate(branches) if each not in branches[:index]]
        if random.random() < 0.2:
            branches = [*branches, repeated := random.choice(self.listed), repeated]
        random.shuffle(branches)
        return {random.choice(("anyOf", "anyOf", "oneOf", "allOf")): branches}

    def changed(self, model, random):
        model = copy.deepcopy(model)
        if random.random() < 0.5:
            self.rescue(model, random)
            return model
        for _ in range(random.randint(1, 3)):
            properties = random.choice([model, *model["definitions"].values()])["properties"]
            name = random.choice(list(properties))
            if name in "xy":
                properties[name] = random.choice(self.leaves)
            elif random.random() < 0.7:
                properties[name] = {"anyOf": random.sample([properties[name], {}], 2)}
            else:
                properties[name] = self.use(random, [*model["definitions"]], 1)
        return model

    def rescue(self, model, random):
        """Changes a leaf of one definition and rescues the definition where the root refers to it."""
        changed = random.choice(list(model["definitions"]))
        properties = model["definitions"][changed]["properties"]
        properties["x"] = random.choice([leaf for leaf in self.leaves if leaf != properties["x"]])
        for place, use in model["properties"].items():
            if changed in json.dumps(use) and random.random() < 0.9:
                model["properties"][place] = {"anyOf": [use, {}] if random.random() < 0.8 else [{}, use]}

    def text(self, model):
        return json.dumps(model)

    def permuted(self, model, random):
        return permuted(model, random)

    def payload(self, model, random):
        return self.value(model, model["definitions"], random, 7)

    def value(self, schema, definitions, random, depth):
        if "$ref" in schema:
            return self.value(definitions[schema["$ref"][-1]], definitions, random, depth)
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self.value(random.choice(schema[keyword]), definitions, random, depth)
        if "const" in schema or "enum" in schema:
            return random.choice(schema.get("enum", [schema.get("const")]))
        kind = schema.get("type", "object" if "properties" in schema else None)
        kind = random.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            inner = dict(schema.get("properties", {}))
            if isinstance(schema.get("additionalProperties"), dict):
                inner |= {"n": schema["additionalProperties"]}
            for dependent in schema.get("dependencies", {}).values():
                inner |= dependent["properties"]
            chosen = {name: part for name, part in inner.items() if depth > 0 and random.random() < 0.6}
            return {name: self.value(part, definitions, random, depth - 1) for name, part in chosen.items()}
        if kind == "array":
            return [self.value(schema["items"], definitions, random, depth - 1)] if depth > 0 else []
        scalars = {"string": ["t", "a"], "integer": [1], "number": [1.5, 1], "boolean": [True], "null": [None]}
        return random.choice(scalars.get(kind, ["t", "a", 1, 1.5, True, None, [], {}]))

    def smaller(self, model):
        return without_one_part(model)


class RecursiveAvro:
    """Avro records.

    Args:
        names: their full names. Records of one short name rescue each other in unions, by the rules of Apache Avro;
            the codec that payloads are read with takes the branch of the full name, so payloads do not go with them.
    """

    schema_type = SchemaType.AVRO
    leaves = ("string", "int", "long", "double", "boolean", ["null", "int"], ["int", "string"])

    def __init__(self, names=("a.N", "a.M", "a.L", "a.K", "a.J")):
        self.names = names

    def schema(self, random):
        names = self.names[: random.randint(2, len(self.names))]
        types = {name: self.record(random, names) for name in names}
        return {"types": types, "root": {place: self.use(random, names) for place in PLACES[: random.randint(2, 4)]}}

    def record(self, random, names):
        fields = {link: self.use(random, names) for link in "klm"[: random.randint(1, 3)]}
        fields |= {leaf: random.choice(self.leaves) for leaf in "xy"[: random.randint(1, 2)]}
        return fields

    def use(self, random, names):
        """A type that leads to a record and has finite values."""
        name = random.choice(names)
        if random.random() < 0.3:
            return random.choice(({"type": "array", "items": name}, {"type": "map", "values": name}))
        branches = ["null", *random.sample(names, random.randint(1, 2))]
        random.shuffle(branches)
        return branches

    def changed(self, model, random):
        model = copy.deepcopy(model)
        for _ in range(random.randint(1, 3)):
            fields = random.choice([model["root"], *model["types"].values()])
            name = random.choice(list(fields))
            if name in "xy":
                fields[name] = random.choice(self.leaves)
            elif isinstance(fields[name], list) and random.random() < 0.7:
                free = [each for each in (*model["types"], "string") if each not in fields[name]]
                fields[name] = [*fields[name], *random.sample(free, min(1, len(free)))]
            else:
                fields[name] = self.use(random, [*model["types"]])
        return model

    def text(self, model):
        defined = set()

        def written(kind):
            if isinstance(kind, list):
                return [written(branch) for branch in kind]
            if isinstance(kind, dict):
                return {key: value if key == "type" else written(value) for key, value in kind.items()}
            return record(kind, model["types"][kind]) if kind in model["types"] and kind not in defined else kind

        def record(name, fields):
            defined.add(name)
            return {
                "type": "record",
                "name": name,
                "fields": [{"name": field, "type": written(kind)} for field, kind in fields.items()],
            }

        return json.dumps(record("Root", model["root"]))

    def permuted(self, model, random):
        """The fields of every record in another order, and so their definitions in other places."""
        return {
            "types": {name: shuffled(fields, random) for name, fields in model["types"].items()},
            "root": shuffled(model["root"], random),
        }

    def payload(self, model, random):
        return {field: self.value(kind, model, random, 6) for field, kind in model["root"].items()}

    def value(self, kind, model, random, depth):
        if isinstance(kind, list):
            branch = "null" if depth < 1 and "null" in kind else random.choice(kind)
            value = self.value(branch, model, random, depth - 1)
            return None if branch == "null" else {branch: value}
        if isinstance(kind, dict):
            inner = [self.value(kind.get("items", kind.get("values")), model, random, depth - 1)] if depth > 0 else []
            return inner if kind["type"] == "array" else {f"k{index}": value for index, value in enumerate(inner)}
        if kind in model["types"]:
            return {field: self.value(part, model, random, depth - 1) for field, part in model["types"][kind].items()}
        return {"null": None, "string": "t", "int": 1, "long": 2**40, "double": 1.5, "boolean": True}[kind]

    def smaller(self, model):
        for name, fields in (*model["types"].items(), ("root", model["root"])):
            for field in fields:
                result = copy.deepcopy(model)
                del (result["root"] if name == "root" else result["types"][name])[field]
                yield result


class RecursiveProtobuf(ProtobufMaterial):
    """Protobuf messages M0 to M4 that hold each other, in fields and oneofs; some are declared inside of M0."""

    schema_type = SchemaType.PROTOBUF
    leaves = ("string", "int32", "int64", "sint32", "fixed32", "bool", "double", "E")

    def schema(self, random):
        names = [f"M{number}" for number in range(random.randint(2, 5))]
        messages = {name: self.message(random, names) for name in names}
        return {"package": "p", "messages": messages, "inside": [name for name in names[1:] if random.random() < 0.3]}

    def message(self, random, names):
        fields = {}
        for tag in range(1, random.randint(3, 6)):
            kind = random.choice(names) if random.random() < 0.6 else random.choice(self.leaves)
            label = random.choice(("", "", "repeated ", "map"))
            oneof = random.choice(("x", "y", None)) if label == "" else None
            fields[tag] = {"name": f"f{tag}", "type": kind, "label": label, "oneof": oneof}
        return {"fields": fields, "order": list(fields)}

    def changed(self, model, random):
        model = copy.deepcopy(model)
        for _ in range(random.randint(1, 2)):
            field = random.choice(list(random.choice(list(model["messages"].values()))["fields"].values()))
            kinds = model["messages"] if field["type"] in model["messages"] else self.leaves
            if random.random() < 0.8:
                field["type"] = random.choice(list(kinds))
            else:
                field.update(label="", oneof=random.choice((None, "x", "y")))
        return model

    def text(self, model, random=None):
        flat = protobuf_schemas.text(self._qualified(model), random).split("\n")
        bodies, rest = {}, []
        for line in flat:
            if line.startswith("message "):
                bodies[line.split()[1]] = current = []
            elif line == "}":
                current = rest
                continue
            else:
                (current if bodies else rest).append(line)
        inner = [f"message {name} {{ {' '.join(bodies[name])} }}" for name in model["inside"] if name in bodies]
        outer = [
            f"message {name} {{ {' '.join([*(inner if name == 'M0' else ()), *body])} }}"
            for name, body in bodies.items()
            if name not in model["inside"] or "M0" not in bodies
        ]
        return "\n".join([*rest, *outer])

    def _qualified(self, model):
        """The model with the full names of messages that are declared inside of M0."""
        model = copy.deepcopy(model)
        for message in model["messages"].values():
            for field in message["fields"].values():
                if field["type"] in model["inside"] and "M0" in model["messages"]:
                    field["type"] = f"M0.{field['type']}"
        return model


RECURSIVE = {each.schema_type: each for each in (RecursiveAvro(), RecursiveJson(), RecursiveProtobuf())}
