import pytest

pytest.register_assert_rewrite(
    "unit.store.conformance",
    "unit.store.conformance_associations",
    "unit.store.conformance_lists",
    "unit.store.conformance_places",
    "unit.store.conformance_transactions",
)
