"""Generated patterns, compared with a regular expression engine of ECMA-262: Node's, where it is installed."""

import json
import shutil
import subprocess
from collections.abc import Iterator

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from llm_schema_registry.formats.json_schema.ecma import Grammar, PatternError, translate

NODE = shutil.which("node")
SCRIPT = """
require('readline').createInterface({input: process.stdin}).on('line', line => {
  const {pattern, flags, texts} = JSON.parse(line);
  let answer = null;
  try { const read = new RegExp(pattern, flags); answer = texts.map(text => read.test(text)); } catch (error) {}
  console.log(JSON.stringify(answer));
});
"""
LITERALS = list("abc1_-.,^$ {}[]()|*+?\\/:=<>!&~#%@\"'é\n\u2028\x00\u017f")
WRITTEN = r"""
    \d \w \s \D \W \S \b \B \n \t \cA \c \c1 \0 \00 \01 \1 \2 \10 \8 \377 \k \k<n> \x41 \x4 \u0061 \u{61} \ud83d \udc32
    \u00 \p{L} \P{Lu} \p{Script=Greek} \pL \p{foo} \- \_ \/ \. \$ \@ \a \Z (a) (?:a) (?<n>a) (?<m>b) (?=a) (?!a) (?<=a)
    (?<!a) (?: (?= (?! (?<= (?<n> ( ) | [ ] [^ a-z [a-z] [\w-.] [\b] [] [^] [a-\d] [--a] [a&&b] [[a] [\-a] [z-a]
    [\ud800-\udfff] [\x20-\ud7ff] [a-] [-a] [^-] [\W_] [\c_] [\c] [\0] [\1] [\B] [\k] [^\s\S] * + ? *? {2} {1,} {0}
    {0,2} {,3} {2,1} {a} { } () (|a) (?:a|b)
"""
FRAGMENTS = WRITTEN.split()
ASTRAL = ["🐲", r"\u{1F432}", r"\ud83d\udc32", "[🐲a]", r"[\u{1F400}-\u{1F4FF}]"]
TEXTS = [
    *[
        "",
        "a",
        "b",
        "ab",
        "aa",
        "aab",
        "A",
        "Z",
        "1",
        "_",
        "-",
        ".",
        " ",
        "\n",
        "\r",
        "\u2028",
        "é",
        "aé",
        "éa",
        "\u017f",
    ],
    *[
        "\u03b1",
        "\x00",
        "\x01",
        "\x08",
        "c",
        "\\",
        "\\c",
        "{",
        "}",
        "]",
        "[",
        "a{,3}",
        "k",
        "u",
        "p{L}",
        "pL",
        "@",
        "&",
    ],
    *["\u0661", "ÿ", "k<n>", "abab", "a\nb", "ab ab", "\x11", "8", "01", "\ud7ff", "\ue000", '"', "1a"],
]
ASTRAL_TEXTS = ["🐲", "a🐲", "🐲🐲"]

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
bounded = settings(
    deadline=None,
    max_examples=1500,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=True,
    database=None,
)


class Oracle:
    """One process that runs patterns in Node."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, pattern: str, flags: str, texts: list[str]) -> list[bool] | None:
        """For each text whether the pattern matches in it; `None` if it is not a pattern."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"pattern": pattern, "flags": flags, "texts": texts}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    command = [str(NODE), "-e", SCRIPT]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        yield Oracle(process)
        process.stdin.close()


def ours(pattern: str, grammar: Grammar, texts: list[str]) -> list[bool] | None:
    try:
        engine = translate(pattern, grammar)
    except PatternError:
        return None
    answers = []
    for validator in (jsonschema_rs.Draft7Validator, jsonschema_rs.Draft202012Validator):
        compiled = validator({"type": "string", "pattern": engine}, validate_formats=True, offline=True)
        answers.append([compiled.is_valid(text) for text in texts])
    assert answers[0] == answers[1]
    return answers[0]


@bounded
@given(
    parts=st.lists(st.sampled_from([*FRAGMENTS, *FRAGMENTS, *FRAGMENTS, *ASTRAL, *LITERALS]), min_size=1, max_size=8)
)
def test_patterns_under_the_flag_u_are_read_as_node_reads_them(oracle: Oracle, parts: list[str]) -> None:
    pattern, texts = "".join(parts), TEXTS + ASTRAL_TEXTS
    assume(pattern.count("(?<n>") < 2)
    assert ours(pattern, Grammar.UNICODE, texts) == oracle.ask(pattern, "u", texts)


@bounded
@given(parts=st.lists(st.sampled_from([*FRAGMENTS, *FRAGMENTS, *FRAGMENTS, *LITERALS]), min_size=1, max_size=8))
def test_plain_patterns_are_read_as_node_reads_them(oracle: Oracle, parts: list[str]) -> None:
    # Outside the basic plane Node reads them over halves of surrogate pairs, we over code points.
    pattern = "".join(parts)
    # Newer versions allow two groups of one name in different alternatives.
    assume(pattern.count("(?<n>") < 2)
    assert ours(pattern, Grammar.PLAIN, TEXTS) == oracle.ask(pattern, "", TEXTS)


groups = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\w", r"\b", ""]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, st.sampled_from(["*", "?", "+", "{2}", "*?"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=6,
)


@bounded
@given(
    before=st.lists(groups, min_size=1, max_size=3), after=st.lists(st.sampled_from([r"\1", r"\2", "a"]), max_size=3)
)
def test_backreferences_are_read_as_node_reads_them(oracle: Oracle, before: list[str], after: list[str]) -> None:
    # The groups are optional at most: what a group holds after several rounds is the engine's own matter.
    optional = [f"(?:({part}))?" for part in before if "(" not in part]
    pattern = "^" + "".join([*optional, *before, *after]) + "$"
    assume("(" not in "".join(before) or not any(sign in "".join(before) for sign in "*+{"))
    texts = ["", "a", "b", "aa", "ab", "ba", "bb", "aaa", "aba", "abab", "bbb", "aabb"]
    expected = oracle.ask(pattern, "u", texts)
    assert ours(pattern, Grammar.UNICODE, texts) == expected
