"""Every output format, on one report that has a bit of everything."""

import json
from xml.etree import ElementTree

import pytest

from llm_schema_registry.cli.reporting import Item, OutputFormat, Report, Status, render
from llm_schema_registry.core.findings import Finding, Severity

BREAKS = Finding(
    code="avro.READER_FIELD_MISSING_DEFAULT_VALUE",
    path="/fields/15",
    message="The field 'region' has no default: 50% of | consumers\nbreak.",
    new="region: string",
    direction="BACKWARD",
    against_version=1,
    fix="Give it a default.",
    docs="reference/findings/avro.md#reader_field_missing_default_value",
)
SYNTAX = Finding(code="payload.SYNTAX", message="No <JSON> & more.", line=7, column=3)
WARNS = Finding(code="json.note", message="Only a word.", severity=Severity.WARNING)
REPORT = Report(
    "check",
    "schemas",
    (
        Item("cost.token-usage", Status.FAILED, "BACKWARD against version 1", (BREAKS,), "schemas/usage.avsc"),
        Item("event 2", Status.FAILED, findings=(SYNTAX,), file="a,b.ndjson", line=7),
        Item("fine", Status.PASSED, "BACKWARD against version 2", (WARNS,)),
        Item("gone", Status.SKIPPED, "no longer there", file="gone.avsc"),
    ),
)
GOOD = Report("check", "schemas", (Item("fine", Status.PASSED, "new", file="fine.avsc"),))


def junit(report: Report) -> ElementTree.Element:
    return ElementTree.fromstring(render(report, OutputFormat.JUNIT))  # noqa: S314 (we wrote it ourselves)


def test_text_says_what_where_and_how_to_fix_it() -> None:
    assert render(REPORT, OutputFormat.TEXT).splitlines() == [
        "FAIL  cost.token-usage (schemas/usage.avsc): BACKWARD against version 1",
        "      avro.READER_FIELD_MISSING_DEFAULT_VALUE at /fields/15",
        "      The field 'region' has no default: 50% of | consumers",
        "      break.",
        "      new  region: string",
        "      fix  Give it a default.",
        "      see  reference/findings/avro.md#reader_field_missing_default_value",
        "FAIL  event 2 (a,b.ndjson:7)",
        "      payload.SYNTAX (line 7, column 3)",
        "      No <JSON> & more.",
        "ok    fine: BACKWARD against version 2",
        "      json.note",
        "      Only a word.",
        "skip  gone (gone.avsc): no longer there",
        "4 schemas: 1 passed, 2 failed, 1 skipped",
    ]
    assert render(GOOD, OutputFormat.TEXT) == "ok    fine (fine.avsc): new\n1 schema: 1 passed\n"


def test_text_writes_control_characters_out() -> None:
    hostile = Finding(code="c", path="/\x1b[31m", message="a\x1b]0;title\x07b\u202e", old="\x1b[2J")
    report = Report("check", "schemas", (Item("\x1b[1m", Status.FAILED, findings=(hostile,)),))
    text = render(report, OutputFormat.TEXT)
    assert "\x1b" not in text
    assert "\\x1b[31m" in text
    assert "\\u202e" in text


def test_json_has_a_version_and_every_field() -> None:
    value = json.loads(render(REPORT, OutputFormat.JSON))
    assert (value["formatVersion"], value["command"], value["ok"]) == (1, "check", False)
    assert value["summary"] == {"passed": 1, "failed": 2, "skipped": 1}
    first, second, third, _ = value["items"]
    assert first == {
        "name": "cost.token-usage",
        "file": "schemas/usage.avsc",
        "line": None,
        "status": "failed",
        "note": "BACKWARD against version 1",
        "findings": [
            {
                "severity": "error",
                "code": "avro.READER_FIELD_MISSING_DEFAULT_VALUE",
                "message": BREAKS.message,
                "path": "/fields/15",
                "new": "region: string",
                "direction": "BACKWARD",
                "againstVersion": 1,
                "fix": "Give it a default.",
                "docs": BREAKS.docs,
            }
        ],
    }
    assert (second["line"], third["file"]) == (7, None)
    assert third["findings"][0]["severity"] == "warning"
    assert json.loads(render(GOOD, OutputFormat.JSON))["ok"] is True


def test_sarif() -> None:
    log = json.loads(render(REPORT, OutputFormat.SARIF))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == [BREAKS.code, SYNTAX.code, WARNS.code]
    first, second, third = run["results"]
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning"]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert first["message"]["text"].endswith("Fix: Give it a default.")
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "schemas/usage.avsc"},
        "region": {"startLine": 1},
    }
    assert first["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "cost.token-usage/fields/15"}]
    assert second["locations"][0]["physicalLocation"]["region"] == {"startLine": 7, "startColumn": 3}
    assert "physicalLocation" not in third["locations"][0]
    assert len({result["partialFingerprints"]["findingHash/v1"] for result in run["results"]}) == 3
    assert json.loads(render(GOOD, OutputFormat.SARIF))["runs"][0]["results"] == []


def test_junit() -> None:
    suites = junit(REPORT)
    (suite,) = suites
    assert suite.attrib == {"name": "lsr check", "tests": "4", "failures": "2", "errors": "0", "skipped": "1"}
    failed, _, passed, skipped = suite
    assert failed.attrib == {"name": "cost.token-usage", "classname": "lsr.check", "file": "schemas/usage.avsc"}
    failure = failed.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "BACKWARD against version 1", "type": BREAKS.code}
    assert "at /fields/15: The field 'region'" in (failure.text or "")
    assert list(passed) == []
    assert skipped.find("skipped") is not None


def test_junit_holds_no_character_that_xml_forbids() -> None:
    report = Report("check", "schemas", (Item("a\x00b\x1b", Status.FAILED),))
    (case,) = junit(report)[0]
    assert case.get("name") == "a\ufffdb\ufffd"


def test_github_escapes_what_its_syntax_uses() -> None:
    assert render(REPORT, OutputFormat.GITHUB).splitlines() == [
        "::error file=schemas/usage.avsc,title=cost.token-usage%3A avro.READER_FIELD_MISSING_DEFAULT_VALUE"
        "::/fields/15: The field 'region' has no default: 50%25 of | consumers%0Abreak.%0AFix: Give it a default.",
        "::error file=a%2Cb.ndjson,line=7,col=3,title=event 2%3A payload.SYNTAX::No <JSON> & more.",
        "::warning title=fine%3A json.note::Only a word.",
        "4 schemas: 1 passed, 2 failed, 1 skipped",
    ]


def test_markdown_lets_no_markup_through() -> None:
    text = render(REPORT, OutputFormat.MARKDOWN)
    assert "### lsr check: 4 schemas: 1 passed, 2 failed, 1 skipped" in text
    assert "| <code>cost.token-usage</code> | **failed** | BACKWARD against version 1 |" in text
    assert "50% of &#124; consumers break." in text
    assert "No &lt;JSON&gt; &amp; more." in text
    assert "old <code>absent</code>, new <code>region: string</code>" in text
    assert "**Fix:** Give it a default." in text


@pytest.mark.parametrize("output", OutputFormat)
def test_a_report_without_items_renders(output: OutputFormat) -> None:
    assert render(Report("check", "schemas", ()), output).endswith("\n")
