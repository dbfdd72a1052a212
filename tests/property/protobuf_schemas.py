"""Random Protobuf schemas, changes of them, payloads, and what a reader of another schema has to see."""

import copy

from google.protobuf.descriptor import FieldDescriptor as Field

SCALARS = (
    *("int32", "int64", "uint32", "uint64", "bool", "sint32", "sint64", "string", "bytes"),
    *("fixed32", "sfixed32", "fixed64", "sfixed64", "float", "double"),
)
NUMBERS = (0, 1, -1, 5, 127, 128, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1)
TEXTS = ("", "a", "é", "longer text", "\x00")


def schema(random):
    """A file: messages M0 to M2 with fields and oneofs, and the enum E."""
    return {"package": "p", "messages": {f"M{number}": message(random) for number in range(3)}}


def message(random):
    tags = random.sample(range(1, 12), random.randint(0, 6))
    return {"fields": {tag: field(random, tag) for tag in tags}, "order": tags}


def field(random, tag):
    kind = random.choice((*SCALARS, "E", "M0", "M1", "M2"))
    label = random.choice(("", "", "optional ", "repeated ", "map"))
    oneof = random.choice(("x", "y", None)) if label == "" else None
    return {"name": f"f{tag}", "type": kind, "label": label, "oneof": oneof}


def changed(file, random):
    """A copy of the file with one to three changes."""
    file = copy.deepcopy(file)
    for _ in range(random.randint(1, 3)):
        random.choice((_retype, _relabel, _regroup, _rename, _drop, _add, _merge, _remove_message))(file, random)
    return file


def _pick(file, random):
    chosen = file["messages"][random.choice(list(file["messages"]))]
    return chosen, random.choice([*chosen["fields"].values()]) if chosen["fields"] else {}


def _retype(file, random):
    _pick(file, random)[1]["type"] = random.choice((*SCALARS, "E", *file["messages"]))


def _relabel(file, random):
    label = random.choice(("", "optional ", "repeated ", "map"))
    _pick(file, random)[1].update(label=label, oneof=None)


def _regroup(file, random):
    _pick(file, random)[1].update(label="", oneof=random.choice((None, "x", "y", "z")))


def _rename(file, random):
    _, chosen = _pick(file, random)
    if chosen:
        chosen["name"] += "_renamed"


def _drop(file, random):
    chosen, _ = _pick(file, random)
    if chosen["fields"]:
        del chosen["fields"][random.choice([*chosen["fields"]])]


def _add(file, random):
    tag = random.randint(12, 18)
    _pick(file, random)[0]["fields"][tag] = field(random, tag)


def _merge(file, random):
    for member in _pick(file, random)[0]["fields"].values():
        if member["oneof"]:
            member["oneof"] = "merged"


def _remove_message(file, random):
    if random.random() < 0.2:
        file["messages"].pop("M2", None)


def text(file, random=None):
    """The file as `.proto` text; with `random` the fields of each message in a random order."""
    lines = ['syntax = "proto3";', f"package {file['package']};", "enum E { Z = 0; A = 1; B = 5; }"]
    for name, content in file["messages"].items():
        lines.append(f"message {name} {{")
        tags = list(content["fields"])
        if random is not None:
            random.shuffle(tags)
        oneofs = {}
        for tag in tags:
            member = content["fields"][tag]
            label, kind = member["label"], member["type"]
            declared = f"map<string, {kind}>" if label == "map" else label + kind
            oneofs.setdefault(member["oneof"], []).append(f"{declared} {member['name']} = {tag};")
        lines += oneofs.pop(None, [])
        lines += [f"oneof {oneof} {{ {' '.join(members)} }}" for oneof, members in oneofs.items()]
        lines.append("}")
    return "\n".join(lines)


def payload(file, random):
    """A payload of the first message in the JSON form."""
    return _json_message(file, next(iter(file["messages"])), random, 0)


def _json_message(file, name, random, depth):
    result, oneofs = {}, set()
    for member in file["messages"].get(name, {"fields": {}})["fields"].values():
        if random.random() < 0.4 or (depth > 2 and member["type"] in file["messages"]):
            continue
        if member["oneof"] in oneofs:
            continue
        oneofs |= {member["oneof"]} - {None}
        values = [_json_value(file, member["type"], random, depth) for _ in range(random.randint(0, 2))]
        if member["label"] == "map":
            value = dict(zip("ab", values, strict=False))
        else:
            value = values if member["label"] == "repeated " else _json_value(file, member["type"], random, depth)
        result[member["name"].replace("_renamed", "Renamed")] = value
    return result


def _json_value(file, kind, random, depth):
    if kind in file["messages"]:
        return _json_message(file, kind, random, depth + 1)
    if kind == "E":
        return random.choice(("Z", "A", "B"))
    if kind == "bool":
        return random.random() < 0.5
    if kind == "string":
        return random.choice(TEXTS)
    if kind == "bytes":
        return random.choice(("", "YQ==", "AID/"))
    if kind in ("float", "double"):
        return random.choice((0.0, 1.5, -2.25, 1e10))
    numbers = [number for number in NUMBERS if _fits(number, kind)]
    return random.choice(numbers) if "32" in kind else str(random.choice(numbers))


def _fits(number, kind):
    bits = 32 if "32" in kind else 64
    return 0 <= number < 2**bits if kind[0] in "uf" else -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)


def fill(target, random, depth=0):
    """Sets random fields of a message."""
    for descriptor in target.DESCRIPTOR.fields:
        if random.random() < 0.25 or (descriptor.message_type is not None and depth > 2):
            continue
        if not descriptor.is_repeated:
            _fill_single(target, descriptor, random, depth)
        elif descriptor.message_type is None:
            getattr(target, descriptor.name).extend(_scalar(descriptor, random) for _ in range(random.randint(0, 3)))
        elif descriptor.message_type.GetOptions().map_entry:
            values = descriptor.message_type.fields_by_name["value"]
            for key in random.sample(TEXTS, 2):
                if values.message_type is None:
                    getattr(target, descriptor.name)[key] = _scalar(values, random)
                else:
                    fill(getattr(target, descriptor.name)[key], random, depth + 1)
        else:
            for _ in range(random.randint(0, 2)):
                fill(getattr(target, descriptor.name).add(), random, depth + 1)


def _fill_single(target, descriptor, random, depth):
    if descriptor.message_type is None:
        setattr(target, descriptor.name, _scalar(descriptor, random))
    else:
        getattr(target, descriptor.name).SetInParent()
        fill(getattr(target, descriptor.name), random, depth + 1)


def _scalar(descriptor, random):
    kind = descriptor.type
    if kind == Field.TYPE_STRING:
        return random.choice(TEXTS)
    if kind == Field.TYPE_BYTES:
        return random.choice(TEXTS).encode()
    if kind == Field.TYPE_BOOL:
        return random.random() < 0.5
    if kind in {Field.TYPE_FLOAT, Field.TYPE_DOUBLE}:
        return random.choice((0.0, 1.5, -2.25, 1e10))
    return as_read(random.choice(NUMBERS), kind)


def as_read(number, kind):
    """What a reader of type `kind` makes of a number within the same group of encodings: the low bits."""
    if kind == Field.TYPE_BOOL:
        return number != 0
    if kind in {Field.TYPE_SINT32, Field.TYPE_SINT64}:
        bits = 32 if kind == Field.TYPE_SINT32 else 64
        signed = _signed(number, 64)
        folded = ((signed << 1) ^ (signed >> 63)) & (2**bits - 1)
        return (folded >> 1) ^ -(folded & 1)
    wide = {Field.TYPE_INT64, Field.TYPE_SFIXED64, Field.TYPE_UINT64, Field.TYPE_FIXED64}
    bits = 64 if kind in wide else 32
    if kind in {Field.TYPE_UINT32, Field.TYPE_UINT64, Field.TYPE_FIXED32, Field.TYPE_FIXED64}:
        return number & (2**bits - 1)
    return _signed(number, bits)


def _signed(number, bits):
    low = number & (2**bits - 1)
    return low - 2**bits if low >> (bits - 1) else low


def same(written, read):
    """Whether all that `written` holds and the reader's message knows arrived, up to the promotions."""
    for field_written, value in written.ListFields():
        field_read = read.DESCRIPTOR.fields_by_number.get(field_written.number)
        if field_read is not None and not _same_field(field_written, value, field_read, read):
            return False
    return True


def _same_field(field_written, value, field_read, read):
    found = getattr(read, field_read.name)
    entry = field_written.message_type
    if entry is not None and entry.GetOptions().map_entry:
        one, other = entry.fields_by_name["value"], field_read.message_type.fields_by_name["value"]
        return value.keys() == found.keys() and all(_same_value(one, value[key], other, found[key]) for key in value)
    if field_written.is_repeated and not field_read.is_repeated:
        # A list read as a single value: the last of texts; packed numbers and merged messages are allowances.
        return (
            entry is not None
            or not isinstance(value[-1], str | bytes)
            or _same_value(field_written, value[-1], field_read, found)
        )
    values = list(value) if field_written.is_repeated else [value]
    reads = list(found) if field_read.is_repeated else [found]
    return len(values) == len(reads) and all(
        _same_value(field_written, one, field_read, other) for one, other in zip(values, reads, strict=True)
    )


def _same_value(field_written, value, field_read, found):
    if field_written.message_type is not None:
        return same(value, found)
    if isinstance(value, str | bytes):
        return _bytes(value) == _bytes(found)
    if isinstance(value, float):
        return value == found
    return as_read(int(value), field_read.type) == found


def _bytes(value):
    return value.encode() if isinstance(value, str) else value
