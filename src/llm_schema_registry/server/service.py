"""The parts that the endpoints of one process share: store, registry, caches, metrics."""

import asyncio
from functools import partial
from pathlib import Path
from typing import cast

from llm_schema_registry.core.budget import share_of_default
from llm_schema_registry.formats.json_schema.compiled import COMPILED, JSON_SANDBOX
from llm_schema_registry.formats.json_schema.patterns import MATCHER
from llm_schema_registry.formats.protobuf.protoc import PROTOC, TIMEOUT_SECONDS
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError, RegistryOptions
from llm_schema_registry.registry.offload import ProcessOffload
from llm_schema_registry.registry.registry import INLINE_STEPS
from llm_schema_registry.sandbox import Limits
from llm_schema_registry.sandbox.limits import MEBIBYTE
from llm_schema_registry.server.connections.turns import OwnTurns
from llm_schema_registry.server.process.log_tailer import follow
from llm_schema_registry.server.process.offload import Offload
from llm_schema_registry.server.response_cache import ResponseCache
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.server.telemetry.metrics import Metrics
from llm_schema_registry.store import Store, StoreUnavailableError, open_store
from llm_schema_registry.store.changelog import ChangeLogFollower
from llm_schema_registry.store.factory import is_postgresql
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreakerStore, StoreFile
from llm_schema_registry.store.layers.dependency_tracking import DependencyTrackingStore
from llm_schema_registry.store.layers.local_cache import LocalCacheStore
from llm_schema_registry.store.layers.redis_cache import RedisCache, RedisCacheStore, RedisUrl

_LONGEST_WAIT = 3.0
_BATCHES_AT_ONCE = 4
# An event loop waits for it; what takes longer is compiled by a process of the sandbox.
_INLINE_PROTOC_SECONDS = 0.25
# With a store in memory, the event loop waits for what is compiled in a sandbox.
_SECONDS_ALONE = 0.5
_QUICKLY_CHECKED_BYTES = 32 * 1024 * 1024


class Service:
    """The settings, the metrics, and between start and stop the registry.

    Args:
        settings: of this process.
        response_cache: of the protocol that serves the application; its follower follows the store from start to stop.

    Attributes:
        batches: held by each large batch of payloads while it is checked.
        turns: of the event loop, for steps that take long.
        stopping: whether the node is about to stop; set by the process.
    """

    def __init__(self, settings: Settings, response_cache: ResponseCache | None = None) -> None:
        self.settings = settings
        self.response_cache = response_cache
        self.metrics = Metrics() if response_cache is None else Metrics(response_cache.uses)
        if response_cache is not None:
            self.metrics.cache("response", response_cache.counted)
        self.turns = OwnTurns()
        self.batches = asyncio.Semaphore(_BATCHES_AT_ONCE)
        self._registry: Registry | None = None
        self._store: CircuitBreakerStore | None = None
        self._heavy: ProcessOffload | None = None
        self._following: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None
        self._shared_cache: RedisCache | None = None
        self.stopping = False

    @property
    def registry(self) -> Registry:
        """The registry; there is none before `start` and after `stop`."""
        if self._registry is None:
            raise RuntimeError("The application has not been started")
        return self._registry

    @property
    def write_failure(self) -> StoreUnavailableError | None:
        """Why no write is tried at the moment; `None` while they are."""
        return None if self._store is None else self._store.write_failure

    @property
    def damage(self) -> StoreUnavailableError | None:
        """The sign that the stored data is damaged; `None` as long as there was none."""
        return None if self._store is None else self._store.damage

    @property
    def serving_stale_reads(self) -> bool:
        """Whether reads are answered with what was known, now that the store is out of reach."""
        return self.response_cache is not None and self.response_cache.follower.age < self.settings.stale_reads_seconds

    async def reach(self, revision: int) -> None:
        """Waits until no answer of this process is older than a revision, for a few seconds at most.

        Raises:
            RegistryError: REVISION_NOT_REACHED.
            StoreUnavailableError: how far the store is cannot be read.
        """
        if self.response_cache is None:
            known = await self.registry.store.wait_for_change(revision - 1, _LONGEST_WAIT)
        else:
            known = await self.response_cache.follower.wait_for(revision, _LONGEST_WAIT)
        if known < revision:
            raise RegistryError(ErrorCode.REVISION_NOT_REACHED, revision=revision, known=known)

    @property
    def shared_cache_answers(self) -> bool | None:
        """Whether the cache that nodes share is of use at the moment; `None` if there is none."""
        return None if self._shared_cache is None else self._shared_cache.answers

    async def start(self) -> None:
        """Opens the store.

        Raises:
            StoreUnavailableError: it cannot be opened.
            InvalidStoreUrlError: the URL names none.
        """
        settings = self.settings
        keys = settings.metadata_keys()
        # No other process sees a store in memory: what reads it is done here, whatever it takes.
        is_alone = settings.store_in_memory
        rules = RegistryOptions(
            compatibility=settings.compatibility,
            strict_config=settings.confluent_strict_config,
            context_fallback=settings.confluent_context_fallback,
            repeated_types=settings.confluent_repeated_types,
            mode_mutability=settings.mode_mutability,
            permanent_delete=settings.permanent_delete,
            schema_search_limit=settings.schema_search_limit,
            max_schema_bytes=settings.max_schema_bytes,
            max_id_gap=settings.max_id_gap,
            max_steps=settings.steps,
        )
        follower = None if self.response_cache is None else self.response_cache.follower
        blobs = settings.blob_place()
        address = settings.cache_address()
        shared = None if follower is None or address is None else partial(self._share, address, follower)
        opened = await open_store(settings.store, keys, blobs, shared)
        lost = _unheard if follower is None else follower.mark_stale
        path = _path_of(settings)
        file = None if path is None else StoreFile(path)
        guarded = self._store = CircuitBreakerStore(opened, file, lost, self.metrics.store_failure)
        store = cast(Store, guarded)
        if path is not None:
            self._checking = asyncio.create_task(self._check_integrity(path, guarded))
            if path.stat().st_size <= _QUICKLY_CHECKED_BYTES:
                await self._checking
            await guarded.try_writing()
        if follower is not None:
            follower.follow(store)
            self._following = asyncio.create_task(follow(guarded, follower, self.metrics))
            # To remember a read costs more than a point read of SQLite, and less than one over a network.
            if is_postgresql(settings.store) or shared is not None:
                remembered = LocalCacheStore(store, follower)
                self.metrics.cache("memory", remembered.counted)
                store = cast(Store, remembered)
        store = cast(Store, DependencyTrackingStore(store, _unheard if follower is None else follower.signal.notify))
        seen = None if follower is None else follower.catch_up
        share = share_of_default(settings.max_schema_bytes)
        self._heavy = ProcessOffload(
            settings.store,
            rules,
            keys=keys,
            blobs=blobs,
            limits=Limits(settings.sandbox_seconds * share, settings.sandbox_memory_mb * share * MEBIBYTE),
            processes=settings.heavy_processes,
            waiting=settings.sandbox_queue,
            noted=self.metrics.sandbox_event,
        )
        self.metrics.sandbox(self._heavy.load)
        # Half of the bound is for the compiled schemas themselves, half for the validators that hold them.
        COMPILED.capacity = settings.compiled_mb * MEBIBYTE // 2
        MATCHER.is_inline = not is_alone
        JSON_SANDBOX.seconds = _SECONDS_ALONE if is_alone else None
        PROTOC.seconds = TIMEOUT_SECONDS if is_alone else _INLINE_PROTOC_SECONDS
        self._registry = Registry(
            store,
            rules,
            steps=settings.steps if is_alone else INLINE_STEPS,
            elsewhere=Offload(self._heavy),
            is_alone=is_alone,
            compiled_bytes=settings.compiled_mb * MEBIBYTE // 2,
            seen=seen,
        )

    def _share(self, address: RedisUrl, follower: ChangeLogFollower, store: Store, identity: bytes) -> Store:
        count = self.metrics.shared_cache
        server = self._shared_cache = RedisCache(address, self.settings.redis_timeout_ms / 1000, count)
        return cast(Store, RedisCacheStore(store, identity, follower, server, count))

    async def _check_integrity(self, path: Path, store: CircuitBreakerStore) -> None:
        """Stops the writes of a store whose file is damaged."""
        # A process that keeps its store elsewhere does without SQLite.
        from llm_schema_registry.store.sqlite.integrity import check_integrity

        try:
            await asyncio.to_thread(check_integrity, str(path), given_up=lambda: self.stopping)
        except StoreUnavailableError as error:
            store.note(error, "integrity")

    async def stop(self) -> None:
        """Lets go of everything. Idempotent."""
        self.stopping = True
        registry, self._registry = self._registry, None
        MATCHER.is_inline, PROTOC.seconds, JSON_SANDBOX.seconds = False, TIMEOUT_SECONDS, None
        if self._following is not None:
            self._following.cancel()
        if self._checking is not None:
            await self._checking
        if self._heavy is not None:
            self._heavy.close()
        if registry is not None:
            await registry.store.close()


def _path_of(settings: Settings) -> Path | None:
    """The path of the store, if it is a file."""
    scheme, _, path = settings.store.partition("://")
    if scheme.lower() != "sqlite" or settings.store_in_memory:
        return None
    return Path(path[1:])


def _unheard() -> None:
    """Takes the place of a follower that would be told of changes."""
