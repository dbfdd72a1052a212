"""What failures of PostgreSQL mean: of the store, or of a value in the request."""

import uuid

import asyncpg
import pytest

from llm_schema_registry.store import Cause, Store, StoreUnavailableError, ValueRefusedError
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreakerStore
from llm_schema_registry.store.postgresql import PostgresStore
from llm_schema_registry.store.postgresql.errors import failure
from servers import execute, fresh_schema, postgres
from unit.store.building import registered

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("08006", Cause.UNREACHABLE),
        ("25006", Cause.READ_ONLY),
        ("28P01", Cause.DENIED),
        ("42501", Cause.DENIED),
        ("42P01", Cause.OTHER),
        ("40001", Cause.BUSY),
        ("53100", Cause.FULL),
        ("53200", Cause.BUSY),
        ("53300", Cause.NO_CONNECTION),
        ("55P03", Cause.BUSY),
        ("57P03", Cause.UNREACHABLE),
        ("58030", Cause.DISK),
        ("XX000", Cause.OTHER),
        ("XX001", Cause.DAMAGED),
        ("XX002", Cause.DAMAGED),
        ("99999", Cause.OTHER),
    ],
)
def test_failures_of_the_store(code: str, cause: Cause) -> None:
    found = failure(asyncpg.PostgresError.new({"C": code, "M": "text of the server", "D": "a value"}))
    assert isinstance(found, StoreUnavailableError)
    assert (found.cause, found.code, found.detail) == (cause, code, "text of the server")
    assert "text of the server" not in str(found)


@pytest.mark.parametrize("code", ["22001", "22P05", "23505", "54000", "54001"])
def test_failures_of_values(code: str) -> None:
    found = failure(asyncpg.PostgresError.new({"C": code, "M": "text of the server"}))
    assert isinstance(found, ValueRefusedError)
    assert found.code == code


def test_the_way_to_the_server_has_no_code() -> None:
    found = failure(ConnectionRefusedError("127.0.0.1"))
    assert isinstance(found, StoreUnavailableError)
    assert (found.cause, found.code, found.detail) == (Cause.UNREACHABLE, "", "")


async def test_a_value_too_large_for_an_index_is_of_the_request() -> None:
    store = await PostgresStore.open(fresh_schema(postgres()))
    guarded = CircuitBreakerStore(store)
    name = "".join(uuid.uuid4().hex for _ in range(400))
    for _ in range(5):
        with pytest.raises(ValueRefusedError) as refused:
            await registered(guarded, name)  # type: ignore[arg-type]
    assert refused.value.code == "54000"
    guarded.writes.check()
    await registered(guarded, "s")  # type: ignore[arg-type]
    await guarded.close()


@pytest.mark.parametrize("revoked", ["INSERT ON changes", "INSERT ON versions", "UPDATE ON head"])
async def test_a_right_that_is_revoked(revoked: str) -> None:
    url = fresh_schema(postgres())
    schema = url.partition("schema=")[2]
    owner = await PostgresStore.open(url)
    role = f"writer_{uuid.uuid4().hex[:8]}"
    name = f'"{schema}"'
    await execute(
        postgres().url(),
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA {name} TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {role}",
    )
    store: Store = await PostgresStore.open(f"{postgres().url(user=role)}?schema={schema}")
    await store.check_writable()
    await registered(store, "s")
    right, _, table = revoked.partition(" ON ")
    await execute(postgres().url(), f"REVOKE {right} ON {name}.{table} FROM {role}")
    for write in (store.check_writable, lambda: registered(store, "t")):
        with pytest.raises(StoreUnavailableError, match="lacks a right") as refused:
            await write()
        assert refused.value.cause is Cause.DENIED
    await execute(postgres().url(), f"GRANT {right} ON {name}.{table} TO {role}")
    await store.check_writable()
    await registered(store, "t")
    await store.close()
    await owner.close()
