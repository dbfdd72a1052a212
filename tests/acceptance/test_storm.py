"""Two nodes on one database under a storm: clients of every kind, workers and the database killed meanwhile.

A few seconds of it by default; `make storm` has more. Nobody tries again what failed, so that each outcome is known:
acknowledged, refused, or not known.
"""

import http.client
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import pytest

from acceptance.serving import START_SECONDS, get, running, workers_of
from llm_schema_registry.store import Change, ChangeKind, open_store
from servers import PostgresServer, fresh_schema

SECONDS = float(os.environ.get("STORM_SECONDS", "3"))
pytestmark = pytest.mark.timeout(120 + 3 * int(SECONDS))

ENOUGH = 30
SLOW_SECONDS = 30

HOT = [f"hot-{number}" for number in range(3)]
FLIPPED = [f"flipped-{number}" for number in range(2)]
SHARED_TEXTS = 12
# What a request may be answered besides 200: the store is away, a mode forbids it, or there is nothing of the name.
REFUSALS = {503: {50301}, 422: {42205}, 404: {40401, 40402, 40406}}


class Done(NamedTuple):
    """A registration of which something is known, with the times of the monotonic clock around it."""

    subject: str
    text: str
    schema_id: int
    begun: float
    ended: float


@dataclass
class Record:
    """What the clients saw."""

    acknowledged: list[Done] = field(default_factory=list)
    unknown: set[tuple[str, str]] = field(default_factory=set)
    readonly: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    deleted: set[tuple[str, int]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


class Client:
    """One client, with a connection of its own to one of the nodes."""

    def __init__(self, port: int, record: Record, dice: random.Random) -> None:
        self.port = port
        self.record = record
        self.dice = dice
        self._numbers = itertools.count(1)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer as JSON; `None` for a refusal. Raises `OSError` or `HTTPException` when none comes."""
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body))
            answer = self._connection.getresponse()
            content = answer.read()
        except BaseException:
            self._connection.close()
            raise
        self.record.answers[f"{method} {answer.status}"] += 1
        if answer.status == 200:
            return json.loads(content)
        code = json.loads(content)["error_code"]
        if code not in REFUSALS.get(answer.status, ()):
            self.record.wrong.append(f"{method} {path}: {answer.status} {content!r}")
        if answer.status == 503:
            time.sleep(0.02)
            if b"not known" in content:
                raise ConnectionError("the outcome is not known")
        return None

    def end(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def register(self, subject: str, text: str) -> int | None:
        """Registers a text, and returns its id if that is acknowledged."""
        schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": "string", "default": text}]}
        begun = time.monotonic()
        try:
            answer = self.ask("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})
        except (OSError, http.client.HTTPException):
            self.record.unknown.add((subject, text))
            return None
        if answer is None:
            return None
        done = Done(subject, text, answer["id"], begun, time.monotonic())
        self.record.acknowledged.append(done)
        return done.schema_id

    def write_new(self) -> None:
        """A text that nobody else has, under a subject that everybody writes to."""
        self.register(self.dice.choice([*HOT, *FLIPPED]), f"{id(self)}-{next(self._numbers)}")

    def write_shared(self) -> None:
        """A text that others write at the same time, under subjects of one's own and of all."""
        subject = self.dice.choice([*HOT, f"own-{id(self)}"])
        self.register(subject, f"shared-{self.dice.randrange(SHARED_TEXTS)}")

    def delete(self) -> None:
        """Registers and deletes, against others who do the same."""
        subject = f"deleted-{self.dice.randrange(2)}"
        self.register(subject, f"{id(self)}-{next(self._numbers)}")
        versions = self.ask("GET", f"/subjects/{subject}/versions") or [1]
        number = self.dice.choice(versions)
        if self.ask("DELETE", f"/subjects/{subject}/versions/{number}") is not None:
            self.record.deleted.add((subject, number))

    def configure(self) -> None:
        """Sets levels that allow what is written."""
        self.ask("PUT", f"/config/{self.dice.choice(HOT)}", {"compatibility": self.dice.choice(["BACKWARD", "NONE"])})

    def list_all(self) -> None:
        """Lists what others change meanwhile: nothing comes twice."""
        time.sleep(0.01)
        for path in ("/subjects?deleted=true", "/schemas?deleted=true&limit=1000000", f"/subjects/{HOT[0]}/versions"):
            listed = self.ask("GET", path) or []
            names = [(each["subject"], each["version"]) if isinstance(each, dict) else each for each in listed]
            if len(names) != len(set(names)):
                self.record.wrong.append(f"{path} lists something twice")

    def flip(self, subject: str) -> None:
        """Forbids writes to a subject for a moment, and notes between which times nothing may be written."""
        if self.ask("PUT", f"/mode/{subject}", {"mode": "READONLY"}) is None:
            return
        forbidden = time.monotonic()
        time.sleep(self.dice.uniform(0, 0.03))
        allowed = time.monotonic()
        self.record.readonly[subject].append((forbidden, allowed))
        # Until this is known to be through, nothing can be said of what is written.
        while self.ask("PUT", f"/mode/{subject}", {"mode": "READWRITE"}) is None:
            time.sleep(0.05)


def storm(ports: tuple[int, int], record: Record, seconds: float) -> Iterator[None]:
    """Starts the clients; they end after so many seconds or later, and are waited for at the second step."""
    until = time.monotonic() + seconds

    def go_on(act: Callable[[], None]) -> None:
        # On a slow machine it takes longer until there is something to look at.
        while (now := time.monotonic()) < until or (len(record.acknowledged) < ENOUGH and now < until + SLOW_SECONDS):
            try:
                act()
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)

    def client(number: int) -> Client:
        return Client(ports[number % 2], record, random.Random(number))  # noqa: S311

    clients = [client(number) for number in range(8)]
    acts = [clients[0].write_new, clients[1].write_new, clients[2].write_shared, clients[3].write_shared]
    acts += [clients[4].delete, clients[5].delete, clients[6].configure, clients[7].list_all]
    for number, subject in enumerate(FLIPPED):
        clients.append(client(number))
        acts.append(partial(clients[-1].flip, subject))
    threads = [threading.Thread(target=go_on, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()
    for each in clients:
        each.end()
    yield


def kill_things(server: PostgresServer, supervisor: int, seconds: float) -> None:
    """Kills workers of a node and the database, in turn."""
    rounds = max(1, round(seconds / 4))
    pause = seconds / rounds / 4
    for _ in range(rounds):
        time.sleep(pause)
        # Those that died while the database was away may not be there again.
        for worker in workers_of(supervisor)[:1]:
            os.kill(worker, signal.SIGKILL)
        time.sleep(pause)
        server.kill()
        time.sleep(0.1)
        server.start()
        time.sleep(pause)


async def test_a_storm_leaves_what_was_acknowledged_once_and_in_order() -> None:
    server = PostgresServer()
    try:
        url = fresh_schema(server)
        with running(url, "--workers", "2") as (one, process), running(url) as (other, _):
            record = Record()
            steps = storm((one, other), record, SECONDS)
            next(steps)
            kill_things(server, process.pid, SECONDS)
            next(steps)
            check_that_both_say_the_same(one, other)
            lags = sorted(lag(one, other, number) for number in range(round(10 * SECONDS)))
        report(record, lags)
        store = await open_store(url)
        changes = await store.changes(0, 10_000_000)
        await store.close()
    finally:
        server.stop()
    assert record.wrong == []
    assert len(record.acknowledged) >= ENOUGH, "there was no storm"
    check_that_nothing_was_written_while_forbidden(record)
    check_the_log(changes)
    check_the_acknowledged(record, changes)


def report(record: Record, lags: list[float]) -> None:
    """What a storm was like, for those who call for one."""
    median, worst = (1000 * lags[int(len(lags) * share)] for share in (0.5, 0.99))
    sys.stdout.write(
        f"\n{sum(record.answers.values())} answers: {dict(sorted(record.answers.items()))}\n"
        f"{len(record.acknowledged)} registrations acknowledged, {len(record.unknown)} with unknown outcome\n"
        f"the other node follows after {median:.1f} ms (median), {worst:.1f} ms (p99) of {len(lags)} writes\n"
    )


def check_that_both_say_the_same(one: int, other: int) -> None:
    paths = ["/subjects?deleted=true", "/schemas?deleted=true&limit=1000000", "/api/v1/scopes", "/contexts"]
    until = time.monotonic() + START_SECONDS
    while True:
        answers = [[get(port, path) for path in paths] for port in (one, other)]
        if answers[0] == answers[1] and all(status == 200 for status, _ in answers[0]):
            return
        assert time.monotonic() < until, "the nodes do not agree"
        time.sleep(0.05)


def lag(one: int, other: int, number: int) -> float:
    """How many seconds after one node acknowledged a write the other one still answers without it."""
    path = "/subjects/lag/versions/latest"
    with (
        closing(http.client.HTTPConnection("127.0.0.1", one, timeout=START_SECONDS)) as writing,
        closing(http.client.HTTPConnection("127.0.0.1", other, timeout=START_SECONDS)) as reading,
    ):
        schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": "string", "default": f"{number}"}]}
        writing.request("POST", "/subjects/lag/versions", json.dumps({"schema": json.dumps(schema)}))
        answer = writing.getresponse()
        content = answer.read()
        acknowledged = time.monotonic()
        assert answer.status == 200, content
        while True:
            begun = time.monotonic()
            reading.request("GET", path)
            found = reading.getresponse()
            body = json.loads(found.read())
            if found.status == 200 and body["id"] == json.loads(content)["id"]:
                return begun - acknowledged
            assert begun - acknowledged < 5, "the other node does not follow"


def check_that_nothing_was_written_while_forbidden(record: Record) -> None:
    flips = sum(map(len, record.readonly.values()))
    assert flips > 0, "modes were not flipped"
    for done in record.acknowledged:
        for forbidden, allowed in record.readonly[done.subject]:
            assert not forbidden < done.begun <= done.ended < allowed, f"{done} was written while READONLY"


def check_the_log(changes: list[Change]) -> None:
    revisions = Counter(change.revision for change in changes)
    assert list(revisions) == list(range(1, len(revisions) + 1))
    assert [change.ordinal for change in changes] == [n for size in revisions.values() for n in range(size)]
    added = [change.schema_id for change in changes if change.kind is ChangeKind.SCHEMA_ADDED]
    assert added == list(range(1, len(added) + 1)), "ids are not dense"
    versions: dict[str, list[int | None]] = defaultdict(list)
    for change in changes:
        if change.kind is ChangeKind.VERSION_REGISTERED:
            versions[change.subject.name].append(change.version)
    for name, numbers in versions.items():
        assert numbers == list(range(1, len(numbers) + 1)), f"the versions of {name} are not contiguous"


def check_the_acknowledged(record: Record, changes: list[Change]) -> None:
    ids = {done.text: done.schema_id for done in record.acknowledged}
    assert all(ids[done.text] == done.schema_id for done in record.acknowledged), "one content has two ids"
    assert len(set(ids.values())) == len(ids), "two contents have one id"
    registered = Counter(
        (change.subject.name, change.schema_id) for change in changes if change.kind is ChangeKind.VERSION_REGISTERED
    )
    # What is deleted may be registered again.
    twice = [each for each, times in registered.items() if times > 1 and not each[0].startswith("deleted")]
    assert twice == []
    assert {(done.subject, done.schema_id) for done in record.acknowledged} <= set(registered)
    acknowledged = {(done.subject, done.schema_id) for done in record.acknowledged}
    extra = {each for each in registered if each not in acknowledged and each[0] != "lag"}
    assert len(extra) <= len(record.unknown), "something was written that nobody asked for"
    deletions = {
        (change.subject.name, change.version) for change in changes if change.kind is ChangeKind.VERSION_SOFT_DELETED
    }
    assert record.deleted <= deletions
