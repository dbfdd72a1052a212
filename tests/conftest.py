"""Markers and fixtures of every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

TESTS = Path(__file__).parent
SERVICE_TIERS = {"acceptance", "contract"}


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """Logs go where the test that configured them captured its output: to nowhere, once it is over."""
    yield
    structlog.reset_defaults()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as `services` the tiers that start processes, and every module that takes something from `servers`."""
    for item in items:
        tier = item.path.relative_to(TESTS).parts[0]
        names = vars(item.module).values() if isinstance(item, pytest.Function) else ()
        if tier in SERVICE_TIERS or any(getattr(name, "__module__", "") == "servers" for name in names):
            item.add_marker(pytest.mark.services)
