"""The rules of the profiles, one table. Names and profiles are those of Buf's breaking rules, as far as they can
apply to one file: a change that several tiers of rules are against is told under the strictest of them.
"""

from typing import Final

from llm_schema_registry.formats.profiles import Profile, ProfileRule

_SOURCE: Final = frozenset((Profile.SOURCE,))
_JSON: Final = _SOURCE | {Profile.WIRE_JSON}
_WIRE: Final = _JSON | {Profile.WIRE}

_REUSE = "Nothing keeps the {} from being used again for something else, which old data would be read as."
_KEEP_TYPE = "Keep the type, or add a field with a new number for the new one."
_KEEP_LABEL = "Keep the label, or add a field with a new number."
_KEEP_METHOD = "Keep the method, and add another one for the new shape."

FILE_OPTIONS: Final = {
    "cc_enable_arenas": "C++",
    "cc_generic_services": "C++",
    "csharp_namespace": "C#",
    "go_package": "Go",
    "java_generic_services": "Java",
    "java_multiple_files": "Java",
    "java_outer_classname": "Java",
    "java_package": "Java",
    "objc_class_prefix": "Objective-C",
    "optimize_for": "C++ and Java",
    "php_class_prefix": "PHP",
    "php_metadata_namespace": "PHP",
    "php_namespace": "PHP",
    "py_generic_services": "Python",
    "ruby_package": "Ruby",
    "swift_prefix": "Swift",
}
"""The options of a file that change the generated code, and the languages whose code they change."""


def file_option_rule(option: str) -> str:
    """The name of the rule about an option of a file."""
    return f"FILE_SAME_{option.upper()}"


_RULES = (
    ProfileRule(
        "FILE_SAME_PACKAGE",
        _WIRE,
        "The package of the file was {old} and is {new}",
        "The full name of every type starts with the package; `Any` values and services are found by it.",
        "Keep the package, or register the new package under a new subject.",
    ),
    ProfileRule(
        "FILE_SAME_SYNTAX",
        _SOURCE,
        "The syntax of the file was {old} and is {new}",
        "Presence, defaults and enums of the generated code follow the syntax.",
        "Keep the syntax, or move to another one under a new package.",
    ),
    *(
        ProfileRule(
            file_option_rule(option),
            _SOURCE,
            f"The file's option {option} was {{old}} and is {{new}}",
            f"The generated {language} code has another place or shape, and code that uses it does not compile.",
            f"Keep the option {option}.",
        )
        for option, language in FILE_OPTIONS.items()
    ),
    ProfileRule(
        "MESSAGE_NO_DELETE",
        _SOURCE,
        "The message at path '{path}' was deleted",
        "Code that uses the message does not compile any more.",
        "Keep the message, and mark it `option deprecated = true;` if nobody should use it any more.",
    ),
    ProfileRule(
        "MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR",
        _SOURCE,
        "The message at path '{path}' has no standard descriptor accessor any more",
        "Code that asks the message for its descriptor does not compile any more.",
        "Leave the option no_standard_descriptor_accessor off.",
    ),
    ProfileRule(
        "MESSAGE_SAME_JSON_FORMAT",
        _JSON,
        "The message at path '{path}' supported JSON and does so only by best effort now",
        "Its JSON form may be lossy or refused.",
        "Keep features.json_format at ALLOW.",
    ),
    ProfileRule(
        "MESSAGE_SAME_REQUIRED_FIELDS",
        _WIRE,
        "The field at path '{path}' was {old} and is {new}",
        "Whoever knows the field as required refuses messages of those who do not.",
        "Leave required fields as they are; new fields are optional.",
    ),
    ProfileRule(
        "RESERVED_MESSAGE_NO_DELETE",
        _WIRE,
        "{old} at path '{path}' is not reserved any more",
        _REUSE.format("number or name of a deleted field"),
        "Keep the reservation.",
    ),
    ProfileRule(
        "EXTENSION_MESSAGE_NO_DELETE",
        _SOURCE,
        "{old} at path '{path}' is not open for extensions any more",
        "Extensions in other files use numbers of the range.",
        "Keep the extension range.",
    ),
    ProfileRule(
        "EXTENSION_NO_DELETE",
        _SOURCE,
        "The extension {old} at path '{path}' was deleted",
        "Code that uses the extension does not compile any more.",
        "Keep the extension and mark it deprecated.",
    ),
    ProfileRule(
        "ONEOF_NO_DELETE",
        _SOURCE,
        "The oneof at path '{path}' was deleted",
        "Code that asks which member is set does not compile any more.",
        "Keep the oneof.",
    ),
    ProfileRule(
        "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED",
        _WIRE,
        "The field {old} at path '{path}' was deleted and its number is not reserved",
        _REUSE.format("number"),
        "Keep the field and mark it deprecated, or reserve its number and name.",
    ),
    ProfileRule(
        "FIELD_NO_DELETE_UNLESS_NAME_RESERVED",
        _JSON,
        "The field {old} at path '{path}' was deleted and its name is not reserved",
        _REUSE.format("name"),
        "Keep the field and mark it deprecated, or reserve its name too.",
    ),
    ProfileRule(
        "FIELD_NO_DELETE",
        _SOURCE,
        "The field {old} at path '{path}' was deleted",
        "Code that uses the field does not compile any more.",
        "Keep the field and mark it deprecated.",
    ),
    ProfileRule(
        "FIELD_SAME_NAME",
        _JSON,
        "The field at path '{path}' was called {old} and is called {new}",
        "JSON that was written before has the field under its old name, and so has code.",
        "Keep the name.",
    ),
    ProfileRule(
        "FIELD_SAME_JSON_NAME",
        _JSON,
        "The field at path '{path}' was called {old} in JSON and is called {new}",
        "JSON that was written before has the field under its old name.",
        "Keep the json_name.",
    ),
    ProfileRule(
        "FIELD_WIRE_COMPATIBLE_TYPE",
        _WIRE,
        "The type of the field at path '{path}' was {old} and is {new}, which is encoded or means something else",
        "Data of one type is refused, lost or misread as the other.",
        _KEEP_TYPE,
    ),
    ProfileRule(
        "FIELD_WIRE_JSON_COMPATIBLE_TYPE",
        _JSON,
        "The type of the field at path '{path}' was {old} and is {new}, which JSON writes differently",
        "JSON values of one type are refused or misread as the other.",
        _KEEP_TYPE,
    ),
    ProfileRule(
        "FIELD_SAME_TYPE",
        _SOURCE,
        "The type of the field at path '{path}' was {old} and is {new}",
        "Code that uses the field may not compile any more.",
        _KEEP_TYPE,
    ),
    ProfileRule(
        "FIELD_WIRE_COMPATIBLE_CARDINALITY",
        _WIRE,
        "The field at path '{path}' was {old} and is {new}",
        "Data of the one is refused or loses values as the other.",
        _KEEP_LABEL,
    ),
    ProfileRule(
        "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY",
        _JSON,
        "The field at path '{path}' was {old} and is {new}",
        "JSON writes an array for the one and an object for the other.",
        _KEEP_LABEL,
    ),
    ProfileRule(
        "FIELD_SAME_CARDINALITY",
        _SOURCE,
        "The field at path '{path}' was {old} and is {new}",
        "Code that asks whether the field is set does not compile any more, or silently gets another answer.",
        _KEEP_LABEL,
    ),
    ProfileRule(
        "FIELD_SAME_DEFAULT",
        _WIRE,
        "The default of the field at path '{path}' was {old} and is {new}",
        "Defaults are not in the data: what was written as the one is read as the other.",
        "Keep the default.",
    ),
    ProfileRule(
        "FIELD_SAME_ONEOF",
        _WIRE,
        "The field at path '{path}' was in {old} and is in {new}",
        "Of the fields of one oneof only the last survives, and data may hold several of them.",
        "Leave the field where it is; new fields may be in new oneofs.",
    ),
    ProfileRule(
        "FIELD_SAME_JSTYPE",
        _SOURCE,
        "The JavaScript type of the field at path '{path}' was {old} and is {new}",
        "JavaScript code that uses the field gets another type.",
        "Keep the option jstype.",
    ),
    ProfileRule(
        "FIELD_SAME_CPP_STRING_TYPE",
        _SOURCE,
        "The C++ type of the field at path '{path}' was {old} and is {new}",
        "C++ code that uses the field does not compile any more.",
        "Keep the option ctype.",
    ),
    ProfileRule(
        "FIELD_SAME_UTF8_VALIDATION",
        _SOURCE,
        "The check for UTF-8 of the field at path '{path}' was {old} and is {new}",
        "Text that one side writes is refused by the other.",
        "Keep features.utf8_validation.",
    ),
    ProfileRule(
        "FIELD_SAME_JAVA_UTF8_VALIDATION",
        _SOURCE,
        "The check for UTF-8 of the field at path '{path}' was {old} in Java and is {new}",
        "Text that one side writes is refused by the other.",
        "Keep the option java_string_check_utf8.",
    ),
    ProfileRule(
        "ENUM_NO_DELETE",
        _SOURCE,
        "The enum at path '{path}' was deleted",
        "Code that uses the enum does not compile any more.",
        "Keep the enum, and mark it `option deprecated = true;` if nobody should use it any more.",
    ),
    ProfileRule(
        "ENUM_SAME_TYPE",
        _SOURCE,
        "The enum at path '{path}' was {old} and is {new}",
        "An open enum keeps numbers without a constant, a closed one puts them aside.",
        "Keep features.enum_type, and the syntax that sets it.",
    ),
    ProfileRule(
        "ENUM_SAME_JSON_FORMAT",
        _JSON,
        "The enum at path '{path}' supported JSON and does so only by best effort now",
        "Its JSON form may be lossy or refused.",
        "Keep features.json_format at ALLOW.",
    ),
    ProfileRule(
        "ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED",
        _WIRE,
        "The constant {old} at path '{path}' was deleted and its number is not reserved",
        _REUSE.format("number"),
        "Keep the constant and mark it deprecated, or reserve its number and name.",
    ),
    ProfileRule(
        "ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED",
        _JSON,
        "The constant {old} at path '{path}' was deleted and its name is not reserved",
        "JSON that was written before has the name, and nothing keeps it from meaning something else.",
        "Keep the constant and mark it deprecated, or reserve its name too.",
    ),
    ProfileRule(
        "ENUM_VALUE_NO_DELETE",
        _SOURCE,
        "The constant {old} at path '{path}' was deleted",
        "Code that uses the constant does not compile any more.",
        "Keep the constant and mark it deprecated.",
    ),
    ProfileRule(
        "ENUM_VALUE_SAME_NAME",
        _JSON,
        "The constant at path '{path}' was called {old} and is called {new}",
        "JSON that was written before has the constant under its old name, and so has code.",
        "Keep the name; another one can be added as an alias.",
    ),
    ProfileRule(
        "RESERVED_ENUM_NO_DELETE",
        _WIRE,
        "{old} at path '{path}' is not reserved any more",
        _REUSE.format("number or name of a deleted constant"),
        "Keep the reservation.",
    ),
    ProfileRule(
        "SERVICE_NO_DELETE",
        _SOURCE,
        "The service at path '{path}' was deleted",
        "Code that calls or implements the service does not compile any more.",
        "Keep the service and mark it deprecated.",
    ),
    ProfileRule(
        "RPC_NO_DELETE",
        _SOURCE,
        "The method at path '{path}' was deleted",
        "Code that calls or implements the method does not compile any more.",
        "Keep the method and mark it deprecated.",
    ),
    ProfileRule(
        "RPC_SAME_REQUEST_TYPE",
        _WIRE,
        "The request of the method at path '{path}' was {old} and is {new}",
        "The server reads what a client sent as another message.",
        _KEEP_METHOD,
    ),
    ProfileRule(
        "RPC_SAME_RESPONSE_TYPE",
        _WIRE,
        "The response of the method at path '{path}' was {old} and is {new}",
        "A client reads what the server sent as another message.",
        _KEEP_METHOD,
    ),
    ProfileRule(
        "RPC_SAME_CLIENT_STREAMING",
        _WIRE,
        "The request of the method at path '{path}' was {old} and is {new}",
        "Client and server disagree about how many messages to expect.",
        _KEEP_METHOD,
    ),
    ProfileRule(
        "RPC_SAME_SERVER_STREAMING",
        _WIRE,
        "The response of the method at path '{path}' was {old} and is {new}",
        "Client and server disagree about how many messages to expect.",
        _KEEP_METHOD,
    ),
    ProfileRule(
        "RPC_SAME_IDEMPOTENCY_LEVEL",
        _WIRE,
        "The idempotency_level of the method at path '{path}' was {old} and is {new}",
        "Clients and proxies repeat calls, or send them as HTTP GET, by it.",
        "Keep the idempotency_level.",
    ),
)
PROFILE_RULES: Final = {rule.name: rule for rule in _RULES}
