"""The store against a plain model of dictionaries: after any history both give the same answers."""

import asyncio
import pathlib
import tempfile

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from llm_schema_registry.contracts import Reference, Subject, guid_of
from llm_schema_registry.store import ChangeKind, Deleted, Setting, State, StoredSchema, Version
from llm_schema_registry.store.sqlite import SqliteStore

CONTEXTS = st.sampled_from([".", ".a", ".a-b"])
NAMES = st.sampled_from(["a", "a%", "a_", "b", "é"])
NUMBERS = st.integers(1, 4)
IDS = st.integers(1, 6)
SCOPE_NAMES = st.sampled_from(["", "a", "b"])
PREFIXES = st.sampled_from(["", "a", "a%", "_", "z"])
EXISTING_OR_NEXT = st.sampled_from([0, 0, 0, 2, 5])


class Model(msgspec.Struct):
    """What the store should hold."""

    schemas: dict[tuple[str, int], StoredSchema] = msgspec.field(default_factory=dict)
    highest: dict[str, int] = msgspec.field(default_factory=dict)
    versions: dict[tuple[Subject, int], Version] = msgspec.field(default_factory=dict)
    settings: dict[tuple[Subject, Setting], str] = msgspec.field(default_factory=dict)
    contexts: set[str] = msgspec.field(default_factory=lambda: {"."})
    touched: dict[Subject, int] = msgspec.field(default_factory=dict)
    revision: int = 0

    def touch(self, subject: Subject) -> None:
        self.touched[subject] = self.revision

    def of(self, subject: Subject) -> list[Version]:
        return sorted((v for v in self.versions.values() if v.subject == subject), key=lambda v: v.version)

    def latest(self, subject: Subject) -> Version | None:
        for state in (State.ACTIVE, State.DEPRECATED):
            found = [v for v in self.of(subject) if v.state is state and not v.deleted]
            if found:
                return found[-1]
        return None

    def shown(self, deleted: Deleted, context: str | None, prefix: str) -> list[Version]:
        allowed = {Deleted.EXCLUDED: {False}, Deleted.INCLUDED: {False, True}, Deleted.ONLY: {True}}[deleted]
        found = (
            v
            for v in self.versions.values()
            if v.state is not State.DRAFT
            and v.deleted in allowed
            and context in (None, v.subject.context)
            and v.subject.name.startswith(prefix)
        )
        return sorted(found, key=lambda v: (v.subject, v.version))

    def subjects(self, deleted: Deleted, context: str | None, prefix: str) -> list[Subject]:
        living = {v.subject for v in self.shown(Deleted.EXCLUDED, context, prefix)}
        everything = {v.subject for v in self.shown(Deleted.INCLUDED, context, prefix)}
        return sorted(
            {Deleted.EXCLUDED: living, Deleted.INCLUDED: everything, Deleted.ONLY: everything - living}[deleted]
        )

    def referrers(self, subject: Subject, version: int | None) -> list[Version]:
        def refers(v: Version) -> bool:
            content = self.schemas.get((v.subject.context, v.schema_id))
            return content is not None and any(
                Subject.parse(reference.subject, v.subject.context) == subject and version in (None, reference.version)
                for reference in content.references
            )

        return sorted(filter(refers, self.versions.values()), key=lambda v: (v.subject, v.version))


class StoreAndModel(RuleBasedStateMachine):
    """Writes to both, compares what they read."""

    @initialize()
    def open(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.reopen()

    @rule()
    def reopen(self) -> None:
        if hasattr(self, "store"):
            self.runner.run(self.store.close())
        path = pathlib.Path(self.directory.name) / "registry.db"
        self.store = self.runner.run(SqliteStore.open(path, clock=lambda: 1))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.runner.run(self.store.close())
            self.runner.close()
            self.directory.cleanup()

    @rule(context=CONTEXTS, given=EXISTING_OR_NEXT, text=NAMES, to=st.lists(st.tuples(NAMES, NUMBERS), max_size=2))
    def add_schema(self, context: str, given: int, text: str, to: list[tuple[str, int]]) -> None:
        references = tuple(Reference("n", name if number % 2 else f":.a:{name}", number) for name, number in to)
        model = self.model
        schema_id = given or model.highest.get(context, 0) + 1
        content = StoredSchema(
            context=context,
            schema_id=given,
            guid=guid_of(text, references),
            schema_type="AVRO",
            text=text,
            references=references,
            created_at=5,
        )

        async def write() -> None:
            async with self.store.transaction() as transaction:
                try:
                    stored = await transaction.add_schema(content)
                except ValueError:
                    assert (context, schema_id) in model.schemas
                    return
                assert stored == msgspec.structs.replace(content, schema_id=schema_id)
                assert (context, schema_id) not in model.schemas
                model.revision += 1
                model.schemas[context, schema_id] = stored
                model.highest[context] = max(schema_id, model.highest.get(context, 0))
                if context not in model.contexts:
                    model.contexts.add(context)
                    model.touch(Subject(context, ""))

        self.runner.run(write())

    @rule(
        context=CONTEXTS,
        name=NAMES,
        number=NUMBERS,
        schema_id=IDS,
        state=st.sampled_from(State),
        deleted=st.booleans(),
    )
    def put_version(self, context: str, name: str, number: int, schema_id: int, state: State, deleted: bool) -> None:
        put = Version(
            subject=Subject(context, name),
            version=number,
            schema_id=schema_id,
            state=state,
            deleted=deleted,
            registered_at=9,
        )

        async def write() -> None:
            async with self.store.transaction() as transaction:
                await transaction.put_version(put, ChangeKind.VERSION_REGISTERED)

        self.runner.run(write())
        self.model.revision += 1
        self.model.versions[put.subject, number] = put
        self.model.touch(put.subject)

    @rule(context=CONTEXTS, name=NAMES, number=NUMBERS, schema_id=IDS)
    def remove(self, context: str, name: str, number: int, schema_id: int) -> None:
        subject = Subject(context, name)

        async def write() -> None:
            async with self.store.transaction() as transaction:
                await transaction.remove_version(subject, number)
                await transaction.remove_schema(context, schema_id)

        self.runner.run(write())
        had_version = (subject, number) in self.model.versions
        had_schema = (context, schema_id) in self.model.schemas
        self.model.revision += had_version or had_schema
        self.model.schemas.pop((context, schema_id), None)
        if self.model.versions.pop((subject, number), None) is not None:
            self.model.touch(subject)

    @rule(context=CONTEXTS)
    def remove_context(self, context: str) -> None:
        async def write() -> None:
            async with self.store.transaction() as transaction:
                await transaction.remove_context(context)

        self.runner.run(write())
        if context != "." and context in self.model.contexts:
            self.model.contexts.remove(context)
            self.model.revision += 1
            self.model.touch(Subject(context, ""))

    @rule(
        context=CONTEXTS,
        name=SCOPE_NAMES,
        kind=st.sampled_from(Setting),
        value=st.sampled_from([None, "1", "2"]),
    )
    def put_setting(self, context: str, name: str, kind: Setting, value: str | None) -> None:
        scope = Subject(context, name)

        async def write() -> None:
            async with self.store.transaction() as transaction:
                await transaction.put_setting(scope, kind, value)

        self.runner.run(write())
        if self.model.settings.get((scope, kind)) != value:
            self.model.revision += 1
            self.model.touch(scope)
            self.model.settings.pop((scope, kind), None)
            if value is not None:
                self.model.settings[scope, kind] = value

    @rule(context=CONTEXTS, name=NAMES, number=NUMBERS)
    def roll_back(self, context: str, name: str, number: int) -> None:
        async def write() -> None:
            async with self.store.transaction() as transaction:
                content = StoredSchema(context=".new", schema_id=0, guid="g", schema_type="AVRO", text="t")
                await transaction.add_schema(content)
                await transaction.remove_version(Subject(context, name), number)
                await transaction.put_setting(Subject(context, ""), Setting.MODE, "3")
                raise LookupError

        try:
            self.runner.run(write())
        except LookupError:
            return
        raise AssertionError("the failure of the block was lost")

    @rule(context=st.none() | CONTEXTS, prefix=PREFIXES, deleted=st.sampled_from(Deleted))
    def lists_agree(self, context: str | None, prefix: str, deleted: Deleted) -> None:
        model, run = self.model, self.runner.run
        shown = model.shown(deleted, context, prefix)
        how = {"context": context, "prefix": prefix, "deleted": deleted}
        assert run(self.store.subjects(**how)) == model.subjects(deleted, context, prefix)
        assert run(self.store.list_versions(**how)) == shown
        assert run(self.store.list_versions(**how, offset=1, limit=2)) == shown[1:3]
        assert run(self.store.list_versions(**how, latest_only=True)) == list({v.subject: v for v in shown}.values())

    @rule(context=CONTEXTS, name=NAMES, number=NUMBERS, schema_id=IDS)
    def points_agree(self, context: str, name: str, number: int, schema_id: int) -> None:
        model, run, subject = self.model, self.runner.run, Subject(context, name)
        assert run(self.store.version(subject, number)) == model.versions.get((subject, number))
        assert run(self.store.versions(subject)) == model.of(subject)
        assert run(self.store.latest(subject)) == model.latest(subject)
        assert run(self.store.referrers(subject)) == model.referrers(subject, None)
        assert run(self.store.referrers(subject, number)) == model.referrers(subject, number)
        content = run(self.store.schema(context, schema_id))
        assert content == model.schemas.get((context, schema_id))
        having = [v for v in model.versions.values() if (v.subject.context, v.schema_id) == (context, schema_id)]
        found = run(self.store.versions_of_schema(context, schema_id))
        assert found == sorted(having, key=lambda v: (v.subject, v.version))
        if content is not None:
            same = [s for _, s in sorted(model.schemas.items()) if s.guid == content.guid]
            assert run(self.store.schemas_by_guid(content.guid)) == same

    @rule(context=CONTEXTS, names=st.lists(SCOPE_NAMES, max_size=3), kind=st.sampled_from(Setting))
    def scopes_agree(self, context: str, names: list[str], kind: Setting) -> None:
        model, run = self.model, self.runner.run
        scopes = [Subject(context, name) for name in names]
        assert run(self.store.last_changed(scopes)) == max((model.touched.get(scope, 0) for scope in scopes), default=0)
        assert [run(self.store.setting(s, kind)) for s in scopes] == [model.settings.get((s, kind)) for s in scopes]
        carrying = sorted(s for s, k in model.settings if s.context == context and k is kind)
        assert run(self.store.scopes_with_setting(context, kind)) == carrying

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "store"):
            return
        model, run = self.model, self.runner.run
        assert run(self.store.revision()) == model.revision
        assert run(self.store.contexts()) == sorted(model.contexts)
        for context in (".", ".a", ".a-b", ".new"):
            assert run(self.store.max_schema_id(context)) == model.highest.get(context, 0)
        changes = run(self.store.changes(0, 10_000))
        assert sorted({change.revision for change in changes}) == list(range(1, model.revision + 1))


StoreAndModel.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStoreAndModel = StoreAndModel.TestCase
