"""Which URLs name a shared cache, and what is said of those that do not."""

import sys

import pytest

from llm_schema_registry.store.layers.redis_cache import InvalidCacheUrlError, RedisUrl


@pytest.mark.parametrize(
    ("url", "for_connections", "is_cluster"),
    [
        ("redis://cache", "redis://cache", False),
        ("redis://cache:6380/2", "redis://cache:6380/2", False),
        ("redis://cache?db=2", "redis://cache?db=2", False),
        ("redis://ann:p%40ss@cache:6380/2?cluster=false", "redis://ann:p%40ss@cache:6380/2", False),
        ("rediss://:p@[::1]:6380?ssl_cert_reqs=none", "rediss://:p@[::1]:6380?ssl_cert_reqs=none", False),
        ("rediss://c?cluster=true&ssl_ca_certs=/a%20b.pem", "rediss://c?ssl_ca_certs=%2Fa%20b.pem", True),
        ("redis://cache/0?cluster=true", "redis://cache/0", True),
        ("unix:///run/valkey/socket?db=1", "unix:///run/valkey/socket?db=1", False),
    ],
)
def test_urls_of_servers_and_clusters(url: str, for_connections: str, is_cluster: bool) -> None:
    address = RedisUrl.parse(url)
    assert (address.url, address.is_cluster) == (for_connections, is_cluster)
    assert "p%40ss" not in repr(address)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "cannot be read"),
        ("cache:6379", "cannot be read"),
        ("s3cret", "cannot be read"),
        ("http://ann:s3cret@cache", "cannot be read"),
        ("redis://ann:s3cret@cache:port", "cannot be read"),
        ("redis://ann:s3cret@cache:99999", "cannot be read"),
        ("redis://ann:s3/cret@cache", "cannot be read"),
        ("redis://ann:s3cret@[cache", "cannot be read"),
        ("redis://cache/s3cret", "number of a database"),
        ("redis://cache?s3cret", "cannot be read"),
        ("redis://cache?s3cret=1", "not one of cluster, db, ssl_ca_certs"),
        ("redis://cache?socket_timeout=5", "not one of"),
        ("redis://cache?ssl_cert_reqs=none", "not for its scheme"),
        ("redis://cache?cluster=s3cret", "'cluster' of"),
        ("redis://cache?db=s3cret", "'db' of"),
        ("rediss://cache?ssl_cert_reqs=s3cret", "'ssl_cert_reqs' of"),
        ("redis://cache/1?cluster=true", "no database but 0"),
        ("redis://cache?db=1&cluster=true", "no database but 0"),
        ("unix:///socket?cluster=true", "by host and port"),
    ],
)
def test_other_urls_are_refused_without_telling_secrets(url: str, says: str) -> None:
    with pytest.raises(InvalidCacheUrlError) as caught:
        RedisUrl.parse(url)
    assert says in str(caught.value)
    assert "s3" not in str(caught.value)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(InvalidCacheUrlError, match=r"pip install 'llm-schema-registry\[redis\]'"):
        RedisUrl.parse("redis://cache")
