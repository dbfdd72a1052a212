"""Random Avro schemas, changes of them, and payloads that fit them, driven by a hypothesis random source."""

import copy
import string

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
DEFAULTS = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 2,
    "float": 0.5,
    "double": 1,
    "string": "x",
    "array": [],
    "map": {},
}


class Generator:
    """Makes schemas as JSON; every named type of one generator has its own name."""

    def __init__(self, random, sharing=0.0):
        self.random = random
        self.sharing = sharing
        self.names = 0
        self.enclosing = []
        self.shared = []

    def name(self):
        self.names += 1
        return f"T{self.names}"

    def record(self, depth):
        name = self.name()
        self.enclosing.append(name)
        fields = [self.field(f"f{index}", depth - 1) for index in range(self.random.randint(0, 4))]
        self.enclosing.pop()
        result = {"type": "record", "name": name, "fields": fields}
        if self.sharing and self.enclosing and not mentions(fields, name):
            return self.shareable(result)
        if self.random.random() < 0.2:
            result["namespace"] = self.random.choice(["n", "m.o"])
        return result

    def field(self, name, depth):
        kind = self.type(depth)
        field = {"name": name, "type": kind}
        default = self.default(kind)
        if default is not ... and self.random.random() < 0.4:
            field["default"] = default
        if self.random.random() < 0.1:
            field["doc"] = self.random.choice(["", "é", "a\nb"])
        return field

    def default(self, kind):
        if isinstance(kind, list):
            return self.default(kind[0]) if kind else ...
        name = kind if isinstance(kind, str) else kind["type"]
        if name == "enum":
            return kind["symbols"][0]
        return DEFAULTS.get(name, ...)

    def enum(self):
        symbols = self.random.sample(string.ascii_uppercase[:6], self.random.randint(1, 4))
        result = {"type": "enum", "name": self.name(), "symbols": symbols}
        if self.random.random() < 0.3:
            result["default"] = symbols[0]
        return self.shareable(result)

    def fixed(self):
        return self.shareable({"type": "fixed", "name": self.name(), "size": self.random.randint(0, 4)})

    def shareable(self, named):
        # A dotted name means the same inside and outside of namespaces.
        if self.sharing:
            named["name"] = f"shared.{named['name']}"
            self.shared.append(named["name"])
        return named

    def union(self, depth):
        branches = self.random.sample(PRIMITIVES, self.random.randint(0, 3))
        if self.random.random() < 0.6:
            branches.append(self.complex(depth - 1))
        # A recursive branch needs a way out, or no payload is finite.
        if "null" in branches and self.enclosing and self.random.random() < 0.3:
            branches.append(self.enclosing[-1])
        return branches or ["null"]

    def complex(self, depth):
        if depth <= 0:
            return self.random.choice([self.enum, self.fixed])()
        maker = self.random.choice(["record", "record", "enum", "fixed", "array", "map"])
        if maker == "array":
            return {"type": "array", "items": self.type(depth - 1)}
        if maker == "map":
            return {"type": "map", "values": self.type(depth - 1)}
        return self.record(depth) if maker == "record" else getattr(self, maker)()

    def type(self, depth):
        if self.shared and self.random.random() < self.sharing:
            return self.random.choice(self.shared)
        choice = self.random.random()
        if choice < 0.5 or depth <= 0:
            return self.random.choice(PRIMITIVES)
        return self.union(depth) if choice < 0.7 else self.complex(depth)


def mentions(node, name):
    """Whether a schema refers to a name."""
    if isinstance(node, list):
        return any(mentions(branch, name) for branch in node)
    if isinstance(node, dict):
        parts = [node.get(key) for key in ("type", "items", "values", "fields")]
        return any(mentions(part, name) for part in parts)
    return node == name


def named_types(node, space=None, found=None):
    """The definitions of a schema by full name, each with the namespace inside it."""
    found = {} if found is None else found
    if isinstance(node, list):
        for branch in node:
            named_types(branch, space, found)
    elif isinstance(node, dict):
        if "symbols" in node or "size" in node or "fields" in node:
            full, space = full_name(node, space)
            found[full] = (node, space)
        for part in (node.get(key) for key in ("type", "items", "values")):
            named_types(part, space, found)
        for field in node.get("fields", ()):
            named_types(field["type"], space, found)
    return found


def full_name(named, space):
    """The full name of a definition inside a namespace, and the namespace inside it."""
    name = named["name"]
    if "." in name:
        return name, name.rpartition(".")[0]
    space = named.get("namespace", space)
    return (f"{space}.{name}" if space else name), space


def places(node, found):
    """Every JSON node of a schema that is a complex type, and every field."""
    if isinstance(node, list):
        found.append(node)
        for branch in node:
            places(branch, found)
    elif isinstance(node, dict):
        found.append(node)
        for key in ("type", "items", "values"):
            places(node.get(key), found)
        for field in node.get("fields", []):
            places(field, found)
    return found


def changed(schema, random):
    """A copy of `schema` with one to three changes, harmless or not."""
    result = copy.deepcopy(schema)
    generator = Generator(random)
    generator.names = 1000
    for _ in range(random.randint(1, 3)):
        node = random.choice(places(result, []) or [None])
        if isinstance(node, list):
            change_union(node, random)
        elif isinstance(node, dict):
            name = node.get("name")
            change_object(node, random, generator)
            if isinstance(name, str) and "." in name and node["name"] != name:
                rename_references(result, name, node["name"])
    return result


def change_union(node, random):
    free = [name for name in PRIMITIVES if name not in node]
    action = random.randrange(3)
    recursive = any(isinstance(branch, str) and branch not in PRIMITIVES for branch in node)
    removable = [branch for branch in node if not (recursive and branch == "null")]
    if action == 0 and len(node) > 1 and removable:
        node.remove(random.choice(removable))
    elif action == 1 and free:
        node.insert(random.randint(0, len(node)), random.choice(free))
    else:
        random.shuffle(node)


def change_object(node, random, generator):
    kind = node["type"]
    if "fields" in node:
        change_fields(node, random, generator)
    elif kind == "enum":
        if random.random() < 0.5:
            node["symbols"] = random.sample(string.ascii_uppercase[:6], random.randint(1, 5))
            node.pop("default", None)
            if random.random() < 0.5:
                node["default"] = node["symbols"][0]
        else:
            rename(node, random)
    elif kind == "fixed":
        node["size"] = random.randint(0, 4)
    elif "name" in node and isinstance(kind, str) and kind in PRIMITIVES:
        node["type"] = random.choice([random.choice(PRIMITIVES), ["null", kind] if kind != "null" else kind])
        node.pop("default", None)
    elif "name" in node and random.random() < 0.5:
        node["aliases"] = [node["name"]]
        node["name"] += "_renamed"
    else:
        node.pop("default", None)


def change_fields(node, random, generator):
    fields = node["fields"]
    action = random.randrange(4)
    if action == 0 and fields:
        fields.pop(random.randrange(len(fields)))
    elif action == 1:
        taken = {field["name"] for field in fields}
        name = random.choice([f"f{index}" for index in range(8) if f"f{index}" not in taken] or ["g"])
        if name not in taken:
            fields.insert(random.randint(0, len(fields)), generator.field(name, 1))
    elif action == 2:
        random.shuffle(fields)
    else:
        rename(node, random)


def rename(node, random):
    if random.random() < 0.5:
        space = node.get("namespace")
        node["aliases"] = [f"{space}.{node['name']}" if space else node["name"]]
    node["name"] += "X"


def rename_references(node, old, new):
    for place in places(node, []):
        if isinstance(place, list):
            place[:] = [new if branch == old else branch for branch in place]
        else:
            for key in ("type", "items", "values"):
                if place.get(key) == old:
                    place[key] = new


def payload(node, random, named, space=None, depth=0):
    """A JSON payload that fits a schema; `named` collects its named types by full name."""
    if isinstance(node, list):
        if depth > 6 and "null" in node:
            return None
        branch = random.choice(node)
        value = payload(branch, random, named, space, depth + 1)
        return value if branch == "null" else {branch_name(branch, named, space): value}
    if isinstance(node, str):
        if node not in PRIMITIVES:
            definition, inner = named[node if node in named else f"{space}.{node}"]
            return payload(definition, random, named, inner, depth + 1)
        return primitive(node, random)
    kind = node["type"]
    if "name" in node:
        full, space = full_name(node, space)
        named[full] = (node, space)
    if kind == "record":
        fields = node["fields"]
        return {field["name"]: payload(field["type"], random, named, space, depth + 1) for field in fields}
    if kind == "enum":
        return random.choice(node["symbols"])
    if kind == "fixed":
        return "z" * node["size"]
    size = 0 if depth > 6 else random.randint(0, 2)
    if kind == "array":
        return [payload(node["items"], random, named, space, depth + 1) for _ in range(size)]
    if kind == "map":
        return {f"k{index}": payload(node["values"], random, named, space, depth + 1) for index in range(size)}
    return payload(kind, random, named, space, depth)


def branch_name(branch, named, space):
    if isinstance(branch, dict):
        if "name" not in branch:
            return branch["type"]
        return full_name(branch, space)[0]
    if branch in PRIMITIVES or not space or branch in named:
        return branch
    return f"{space}.{branch}"


def primitive(name, random):
    if name == "null":
        return None
    if name == "boolean":
        return random.random() < 0.5
    if name == "int":
        return random.choice([0, -1, 2**31 - 1, -(2**31)])
    if name == "long":
        return random.choice([0, -1, 2**63 - 1, -(2**63)])
    if name in ("float", "double"):
        return random.choice([0.0, -1.5, 1e30])
    # ASCII, since bytes that are read as a string must be UTF-8: a promise of the data, not of the schema.
    return random.choice(["", "a", "hello"])
