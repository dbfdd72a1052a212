import pytest

from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.core.budget import MAX_SCHEMA_BYTES
from llm_schema_registry.server.settings import Settings, SettingsError, TlsMode, settings_reference
from llm_schema_registry.store.blobs import BlobSettings


def test_the_environment_is_read_and_what_is_given_wins() -> None:
    environment = {
        "LSR_PORT": "9000",
        "LSR_PERMANENT_DELETE": "false",
        "LSR_COMPATIBILITY": "FULL",
        "LSR_TLS_MODE": "trusted_proxy",
        "LSR_REGISTRY": "http://elsewhere:8081",
        "PATH": "/bin",
    }
    settings = Settings.from_environment(environment, port=9001)
    assert settings.port == 9001
    assert settings.permanent_delete is False
    assert settings.compatibility is CompatibilityLevel.FULL
    assert settings.tls_mode is TlsMode.TRUSTED_PROXY
    assert settings.host == "127.0.0.1"


def test_unknown_variables_are_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"Unknown setting LSR_PROT\. Known are .*LSR_PORT"):
        Settings.from_environment({"LSR_PROT": "1"})


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"LSR_PORT": "x", "LSR_WORKERS": "0", "LSR_LOG_LEVEL": "loud"})
    for variable in ("LSR_PORT", "LSR_WORKERS", "LSR_LOG_LEVEL", "debug, info, warning, error"):
        assert variable in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_tls(host: str) -> None:
    Settings(host=host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "registry.example.org"])  # noqa: S104
def test_other_hosts_do(host: str) -> None:
    with pytest.raises(SettingsError, match="LSR_TLS_MODE=trusted_proxy"):
        Settings(host=host).check()
    for mode in (TlsMode.TRUSTED_PROXY, TlsMode.INSECURE_DEV):
        Settings(host=host, tls_mode=mode).check()


@pytest.mark.parametrize("store", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_has_one_worker(store: str) -> None:
    Settings(store=store).check()
    with pytest.raises(SettingsError, match="LSR_WORKERS=1"):
        Settings(store=store, workers=2).check()


def test_every_setting_is_in_the_reference() -> None:
    rows = {row.variable: row for row in settings_reference()}
    assert set(rows) == {f"LSR_{name.upper()}" for name in Settings.__struct_fields__}
    assert all(row.description.endswith(".") and row.type for row in rows.values())
    assert rows["LSR_PORT"].default == "8081"
    assert rows["LSR_PERMANENT_DELETE"].default in ("true", "false")


def test_keys_of_sensitive_metadata() -> None:
    key = "a" * 43 + "="
    assert Settings(metadata_key="").metadata_keys() == ()
    assert [len(each) for each in Settings(metadata_key=f"{key},{key}").metadata_keys()] == [32, 32]
    with pytest.raises(SettingsError, match="LSR_METADATA_KEY: A key is base64") as caught:
        Settings(metadata_key="my own words").check()
    assert "my own words" not in str(caught.value)


def test_object_storage() -> None:
    assert Settings().blob_place() == BlobSettings("", 262_144)
    url = "s3://bucket/prefix?endpoint=http://127.0.0.1:9000"
    assert Settings.from_environment({"LSR_BLOBS": url, "LSR_BLOB_BYTES": "0"}).blob_place() == BlobSettings(url, 0)
    with pytest.raises(SettingsError, match="LSR_BLOB_BYTES"):
        Settings.from_environment({"LSR_BLOB_BYTES": "-1"})
    with pytest.raises(SettingsError, match="LSR_BLOBS: The URL of object storage holds credentials") as caught:
        Settings(blobs="s3://me:secret@bucket").check()
    assert "secret" not in str(caught.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_a_shared_cache() -> None:
    assert Settings().cache_address() is None
    address = Settings(redis="redis://cache:6379?cluster=true").cache_address()
    assert address is not None
    assert address.is_cluster
    with pytest.raises(SettingsError, match="LSR_REDIS: The URL of the shared cache cannot be read") as caught:
        Settings(redis="http://ann:s3cret@cache").check()
    assert "s3cret" not in str(caught.value)


def test_the_work_budget_grows_with_the_largest_definition() -> None:
    default, larger = Settings(), Settings(max_schema_bytes=2 * MAX_SCHEMA_BYTES, max_body_bytes=4 * MAX_SCHEMA_BYTES)
    larger.check()
    assert (larger.steps, Settings(max_schema_bytes=1024).steps) == (2 * default.steps, default.steps)
    assert Settings(max_steps=50_000).steps == 50_000


def test_a_budget_that_is_too_low_for_any_work_is_refused() -> None:
    with pytest.raises(SettingsError, match="LSR_MAX_STEPS"):
        Settings(max_steps=9).check()
