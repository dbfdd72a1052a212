-- Content is immutable. Mutable facts are superseded, never updated: the current fact has no `until`.
-- Names are compared by code point: SQLite does so by itself, a server database needs the collation C.

-- The last committed revision: one row, held by whoever writes.
CREATE TABLE head (
    revision BIGINT NOT NULL
);
INSERT INTO head (revision) VALUES (0);

-- The change log, of which everything that follows the registry is a reader.
CREATE TABLE changes (
    revision BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    context TEXT NOT NULL,
    subject TEXT NOT NULL,
    version INTEGER,
    schema_id INTEGER,
    actor TEXT NOT NULL,
    detail TEXT,
    PRIMARY KEY (revision, ordinal)
);
-- The last change of a scope. Schemas coming and going change no scope.
CREATE INDEX changes_of_scope ON changes (context, subject, revision)
    WHERE kind NOT IN ('schema.added', 'schema.removed');

-- The next id of each context that ever gave one.
CREATE TABLE counters (
    context TEXT NOT NULL PRIMARY KEY,
    next_id BIGINT NOT NULL
);

CREATE TABLE contexts (
    context TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT
);
CREATE UNIQUE INDEX contexts_current ON contexts (context) WHERE until IS NULL;
INSERT INTO contexts (context, since) VALUES ('.', 0);

CREATE TABLE schemas (
    context TEXT NOT NULL,
    schema_id INTEGER NOT NULL CHECK (schema_id BETWEEN 1 AND 2147483647),
    guid TEXT NOT NULL,
    schema_type TEXT NOT NULL,
    text TEXT NOT NULL,
    refs TEXT,
    metadata TEXT,
    rule_set TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (context, schema_id)
);
CREATE INDEX schemas_by_guid ON schemas (guid, context, schema_id);

-- Which content refers to which version: the way back from a version to its referrers.
CREATE TABLE schema_references (
    to_context TEXT NOT NULL,
    to_subject TEXT NOT NULL,
    to_version INTEGER NOT NULL,
    context TEXT NOT NULL,
    schema_id INTEGER NOT NULL,
    PRIMARY KEY (to_context, to_subject, to_version, context, schema_id),
    FOREIGN KEY (context, schema_id) REFERENCES schemas (context, schema_id) ON DELETE CASCADE
);
CREATE INDEX schema_references_of_schema ON schema_references (context, schema_id);

CREATE TABLE versions (
    context TEXT NOT NULL,
    subject TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 2147483647),
    schema_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    deleted SMALLINT NOT NULL CHECK (deleted IN (0, 1)),
    registered_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT
);
CREATE UNIQUE INDEX versions_current ON versions (context, subject, version) WHERE until IS NULL;
CREATE INDEX versions_of_schema ON versions (context, schema_id, subject, version) WHERE until IS NULL;
-- Lists leave drafts out.
CREATE INDEX versions_listed ON versions (context, subject, version, deleted)
    WHERE until IS NULL AND state <> 'DRAFT';
-- The latest version is the first entry of its subject.
CREATE INDEX versions_latest ON versions (context, subject, state, version DESC)
    WHERE until IS NULL AND deleted = 0 AND state IN ('ACTIVE', 'DEPRECATED');

CREATE TABLE settings (
    context TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT
);
CREATE UNIQUE INDEX settings_current ON settings (context, kind, subject) WHERE until IS NULL;
