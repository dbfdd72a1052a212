"""JUnit XML: one test case per item, as CI systems show it."""

from xml.etree import ElementTree

from llm_schema_registry.cli.reporting.report import Item, Report, Status

_UNPRINTABLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32)], "\ufffd")


def render(report: Report) -> str:
    """One suite named after the command; a failed item is a failure with its findings as text."""
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=f"lsr {report.command}",
        tests=str(len(report.items)),
        failures=str(report.count(Status.FAILED)),
        errors="0",
        skipped=str(report.count(Status.SKIPPED)),
    )
    for item in report.items:
        _add(suite, item, report.command)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _add(suite: ElementTree.Element, item: Item, command: str) -> None:
    attributes = {"name": item.name, "classname": f"lsr.{command}"} | ({"file": item.file} if item.file else {})
    case = ElementTree.SubElement(suite, "testcase", {key: _clean(value) for key, value in attributes.items()})
    if item.status is Status.SKIPPED:
        ElementTree.SubElement(case, "skipped", message=_clean(item.note))
    elif item.status is Status.FAILED:
        codes = ", ".join(dict.fromkeys(finding.code for finding in item.findings))
        failure = ElementTree.SubElement(case, "failure", message=_clean(item.note), type=_clean(codes))
        failure.text = _clean("\n".join(_lines(item)))


def _lines(item: Item) -> list[str]:
    return [
        f"{finding.code} at {finding.path or '/'}: {finding.message}" + (f" Fix: {finding.fix}" if finding.fix else "")
        for finding in item.findings
    ]


def _clean(text: str) -> str:
    """XML 1.0 has no control characters, not even escaped."""
    return text.translate(_UNPRINTABLE)
