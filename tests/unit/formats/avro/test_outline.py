"""The outline: paths, types, what is required, tags."""

import json

from llm_schema_registry.formats import OutlineField, SchemaType, format_of
from llm_schema_registry.formats.avro import FORMAT

SCHEMA = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}, "doc": "When."},
        {"name": "user", "type": ["null", "string"], "default": None, "confluent:tags": ["PII"]},
        {
            "name": "messages",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Message",
                    "confluent:tags": ["SENSITIVE"],
                    "fields": [
                        {"name": "text", "type": "string"},
                        {"name": "reply_to", "type": ["null", "Message"]},
                    ],
                },
            },
            "confluent:tags": ["PII"],
        },
        {"name": "scores", "type": {"type": "map", "values": {"type": "array", "items": "Message"}}, "default": {}},
    ],
}


def test_the_field_tree():
    tags = ("SENSITIVE",)
    message = [
        ("text", "string", True, ()),
        ("reply_to", "union<null, Message>", True, tags),
    ]
    assert FORMAT.outline(FORMAT.parse(json.dumps(SCHEMA))) == [
        OutlineField("at", "long(timestamp-micros)", True, doc="When."),
        OutlineField("user", "union<null, string>", False, default="null", tags=("PII",)),
        OutlineField("messages", "array<Message>", True, tags=("PII", "SENSITIVE")),
        *[OutlineField(f"messages[].{n}", t, r, tags=g) for n, t, r, g in message],
        OutlineField("scores", "map<array<Message>>", False, default="{}", tags=tags),
        *[OutlineField(f"scores{{}}[].{n}", t, r, tags=g) for n, t, r, g in message],
    ]


def test_a_schema_that_is_no_record_has_one_row_for_the_whole():
    assert FORMAT.outline(FORMAT.parse('"string"')) == [OutlineField("", "string", True)]
    rows = FORMAT.outline(FORMAT.parse(json.dumps({"type": "array", "items": SCHEMA})))
    assert [row.path for row in rows[:2]] == ["", "[].at"]


def test_types_used_in_very_many_places_are_cut():
    chain = [
        {"type": "record", "name": f"R{n}", "fields": [{"name": k, "type": f"R{n + 1}"} for k in "ab"]}
        for n in range(60)
    ]
    text = json.dumps([*chain, {"type": "record", "name": "R60", "fields": []}])
    assert len(FORMAT.outline(FORMAT.parse(text))) == 10_000


def test_the_format_is_found_by_its_name():
    assert format_of(SchemaType.AVRO) is FORMAT
    assert FORMAT.schema_type is SchemaType.AVRO
    assert FORMAT.parse('"int"').schema_type is SchemaType.AVRO
