"""What holds for every test."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """Logs go where the test that configured them captured its output: to nowhere, once it is over."""
    yield
    structlog.reset_defaults()
