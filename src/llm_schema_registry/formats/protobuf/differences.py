"""Every difference between two Protobuf schemas, and what it means for a reader: the one table of rules.

Names, impacts and sentences are those of the Confluent registry.
"""

from typing import Final

from llm_schema_registry.formats.format import Certainty, DifferenceType, Impact

_SAFE = Impact.COMPATIBLE
_BREAKS = Impact.INCOMPATIBLE

DIFFERENCE_TYPES: Final = {
    row.name: row
    for row in (
        DifferenceType(
            "PACKAGE_CHANGED",
            _BREAKS,
            "The package at '{path}' in the {reader} schema does not match the package in the {writer} schema",
            "The full name of every type starts with the package; clients and `Any` values look types up by it.",
            "Keep the package, or register the new package under a new subject.",
            Certainty.POSSIBLE,
        ),
        DifferenceType(
            "MESSAGE_ADDED",
            _SAFE,
            "The {reader} schema has a new MESSAGE type at path '{path}' that the {writer} schema lacks",
            "Data that was written before holds no such message.",
        ),
        DifferenceType(
            "MESSAGE_REMOVED",
            _BREAKS,
            "The {reader} schema is missing a MESSAGE type at path '{path}' in the {writer} schema",
            "Data written with this message names it by its place in the file; the reader has nothing to read it with.",
            "Keep the message, and mark it `option deprecated = true;` if nobody should use it any more.",
        ),
        DifferenceType(
            "MESSAGE_MOVED",
            _SAFE,
            "The MESSAGE type at path '{path}' has another position in the {reader} schema than in the {writer} schema",
            "Each payload says which message of its own schema it is, so the position may change.",
        ),
        DifferenceType(
            "ENUM_ADDED",
            _SAFE,
            "The {reader} schema has a new ENUM type at path '{path}' that the {writer} schema lacks",
            "Data that was written before holds no value of it.",
        ),
        DifferenceType(
            "ENUM_REMOVED",
            _SAFE,
            "The {reader} schema is missing an ENUM type at path '{path}' in the {writer} schema",
            "Enum values are numbers on the wire; fields that used the enum are compared by themselves.",
        ),
        DifferenceType(
            "ENUM_CONST_ADDED",
            _SAFE,
            "The {reader} schema has a new enum constant at path '{path}' that the {writer} schema lacks",
            "Data that was written before does not use the constant.",
        ),
        DifferenceType(
            "ENUM_CONST_CHANGED",
            _SAFE,
            "The enum constant at path '{path}' has another name in the {reader} schema than in the {writer} schema",
            "Enum values are numbers on the wire; only JSON and code see the name.",
        ),
        DifferenceType(
            "ENUM_CONST_REMOVED",
            _SAFE,
            "The {reader} schema is missing the enum constant at path '{path}' in the {writer} schema",
            "A number without a constant still reads: as the bare number in proto3, as unknown field in proto2.",
        ),
        DifferenceType(
            "FIELD_ADDED",
            _SAFE,
            "The {reader} schema has a new field at path '{path}' that the {writer} schema lacks",
            "Data without the field reads as the field's default.",
        ),
        DifferenceType(
            "FIELD_REMOVED",
            _SAFE,
            "The {reader} schema is missing the field at path '{path}' in the {writer} schema",
            "The reader skips the field's data as unknown field.",
        ),
        DifferenceType(
            "FIELD_NAME_CHANGED",
            _SAFE,
            "The field at path '{path}' has another name in the {reader} schema than in the {writer} schema",
            "Fields are numbers on the wire; only JSON and code see the name.",
        ),
        DifferenceType(
            "FIELD_KIND_CHANGED",
            _BREAKS,
            "The type of a field at path '{path}' in the {reader} schema does not match the {writer} schema",
            "Scalars, maps and messages are encoded differently: one cannot be read as another.",
            "Keep the type, and add a field with a new number for the new one.",
        ),
        DifferenceType(
            "FIELD_SCALAR_KIND_CHANGED",
            _BREAKS,
            "The kind of a SCALAR field at path '{path}' in the {reader} schema does not match its kind"
            " in the {writer} schema",
            "Only scalars with the same encoding can be read as each other, e.g. int32 and int64, string and bytes.",
            "Keep the type, or add a field with a new number for the new one.",
        ),
        DifferenceType(
            "FIELD_NAMED_TYPE_CHANGED",
            _BREAKS,
            "The type of a MESSAGE field at path '{path}' in the {reader} schema does not match its type"
            " in the {writer} schema",
            "The field holds another message now, or its message changed in a way that breaks readers.",
            "Keep the message type and change it compatibly, or add a field with a new number.",
            Certainty.POSSIBLE,
        ),
        DifferenceType(
            "FIELD_NUMERIC_LABEL_CHANGED",
            _BREAKS,
            "The label for a NUMERIC field at path '{path}' in the {reader} schema does not match its label"
            " in the {writer} schema",
            "Repeated numbers are packed into one block, which a reader of a single number cannot read.",
            "Keep the label, or add a repeated field with a new number.",
            Certainty.POSSIBLE,
        ),
        DifferenceType(
            "FIELD_STRING_OR_BYTES_LABEL_CHANGED",
            _SAFE,
            "The label for a string or bytes field at path '{path}' in the {reader} schema does not match its label"
            " in the {writer} schema",
            "Strings and bytes are never packed: a single one reads as a list of one, the last of a list as the one.",
        ),
        DifferenceType(
            "REQUIRED_FIELD_ADDED",
            _BREAKS,
            # Two spaces: so the reference prints it.
            "A required field  at path '{path}' in the {reader} schema is missing in the {writer} schema",
            "Data that was written before lacks the field, and a reader refuses a message without a required field.",
            "Make the field optional.",
        ),
        DifferenceType(
            "REQUIRED_FIELD_REMOVED",
            _BREAKS,
            "The {reader} schema is missing a required field at path: '{path}' in the {writer} schema",
            "Whatever the reader writes again lacks the field, and readers of the other schema refuse it.",
            "Keep the field.",
        ),
        DifferenceType(
            "ONEOF_ADDED",
            _SAFE,
            "The {reader} schema has a new oneof at path '{path}' that the {writer} schema lacks",
            "At most one field of the data that was written before is in it, so nothing gets lost.",
        ),
        DifferenceType(
            "ONEOF_REMOVED",
            _SAFE,
            "The {reader} schema is missing the oneof at path '{path}' in the {writer} schema",
            "The reader skips data of its members as unknown fields, or has them as fields of their own.",
        ),
        DifferenceType(
            "ONEOF_FIELD_ADDED",
            _SAFE,
            "The {reader} schema has a new oneof field at path '{path}' that the {writer} schema lacks",
            "Data that was written before does not use the field.",
        ),
        DifferenceType(
            "ONEOF_FIELD_REMOVED",
            _BREAKS,
            "The {reader} schema is missing a oneof field at path '{path}' in the {writer} schema",
            "A reader that gets the removed alternative sees a oneof with nothing set, as if none had been chosen.",
            "Keep the field in the oneof and mark it deprecated.",
            Certainty.POSSIBLE,
        ),
        DifferenceType(
            "ONEOF_FIELD_MOVED_TO_TOP_LEVEL",
            _SAFE,
            "The oneof field at path '{path}' in the {writer} schema is outside a oneof in the {reader} schema",
            "The encoding of the field is the same inside and outside a oneof.",
        ),
        DifferenceType(
            "MULTIPLE_FIELDS_MOVED_TO_ONEOF",
            _BREAKS,
            "Multiple fields in the oneof at path '{path}' in the {reader} schema are outside a oneof"
            " in the {writer} schema",
            "Data may hold several of these fields at once; in a oneof only the last one survives.",
            "Leave the fields outside the oneof; new fields may be put into a new oneof.",
        ),
        DifferenceType(
            "FIELD_MOVED_TO_EXISTING_ONEOF",
            _BREAKS,
            "A field in the oneof at path '{path}' in the {reader} schema is outside an existing oneof"
            " in the {writer} schema",
            "Data may hold this field beside a member of the oneof; together in one oneof only the last one survives.",
            "Leave the field outside the oneof, or put it alone into a new one.",
        ),
    )
}
