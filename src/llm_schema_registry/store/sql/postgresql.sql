-- take_head --
-- Takes the head row until the transaction ends, waiting for whoever holds it. What is read after that is what the
-- last holder left: each statement of a READ COMMITTED transaction sees everything committed before it began.
-- Answers the last committed revision and the id of this transaction.
SELECT revision, CAST(CAST(pg_current_xact_id() AS xid) AS TEXT) FROM head FOR UPDATE;

-- may_write --
-- Whether the user has the rights that every registration needs.
SELECT has_table_privilege('changes', 'INSERT') AND has_table_privilege('schemas', 'INSERT')
    AND has_table_privilege('versions', 'INSERT');

-- is_full --
-- Whether the role, the database or the server has as many sessions as it may have: others may be waiting for one.
SELECT
    EXISTS (
        SELECT 1 FROM pg_roles r
        WHERE r.rolname = session_user
            AND r.rolconnlimit BETWEEN 0 AND (SELECT COUNT(*) FROM pg_stat_activity WHERE usesysid = r.oid)
    )
    OR EXISTS (
        SELECT 1 FROM pg_database d
        WHERE d.datname = current_database()
            AND d.datconnlimit BETWEEN 0 AND (SELECT COUNT(*) FROM pg_stat_activity WHERE datid = d.oid)
    )
    OR CAST(current_setting('max_connections') AS INTEGER)
        - CAST(current_setting('superuser_reserved_connections') AS INTEGER)
        - CAST(COALESCE(current_setting('reserved_connections', true), '0') AS INTEGER)
        <= (SELECT COUNT(*) FROM pg_stat_activity WHERE datid IS NOT NULL);

-- was_committed --
-- A row if the transaction with an id ($2) and a time ($3) committed as revision $1. The id alone would not do: after
-- a failover that lost the last commits, the server gives their ids again.
SELECT revision FROM changes
WHERE revision = $1 AND ordinal = 0 AND CAST(xmin AS TEXT) = $2 AND at = $3;

-- touched --
-- The last revision that changed one of the scopes whose contexts and names are the pairs of $1 and $2: one answer
-- for all of them, since the head row is held meanwhile.
SELECT MAX(revision) FROM (
    SELECT (
        SELECT c.revision
        FROM changes c
        WHERE c.context = s.context AND c.subject = s.subject AND c.kind NOT IN ('schema.added', 'schema.removed')
        ORDER BY c.revision DESC
        LIMIT 1
    ) AS revision
    FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS TEXT[])) AS s (context, subject)
) AS last;

-- standing --
-- In one answer, what writing a decision depends on: the last revision that changed one of its scopes ($1 and $2, as in
-- `touched`), the id of its content (a GUID $3, a context $4, a type $5, an id $6, as in `same_content`), the id that
-- the context gives next, and whether the context is on the list.
SELECT
    (
        SELECT MAX(last.revision) FROM (
            SELECT (
                SELECT c.revision
                FROM changes c
                WHERE c.context = s.context AND c.subject = s.subject
                    AND c.kind NOT IN ('schema.added', 'schema.removed')
                ORDER BY c.revision DESC
                LIMIT 1
            ) AS revision
            FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS TEXT[])) AS s (context, subject)
        ) AS last
    ),
    (
        SELECT schema_id
        FROM schemas
        WHERE guid = $3 AND context = $4 AND schema_type = $5 AND CAST($6 AS INTEGER) IN (0, schema_id)
        ORDER BY schema_id
        LIMIT 1
    ),
    (SELECT next_id FROM counters WHERE context = $4),
    EXISTS (SELECT 1 FROM contexts WHERE context = $4 AND until IS NULL);

-- layout --
-- The number of the last migration that was applied.
SELECT MAX(number) FROM migrations;

-- newer_migrations --
-- The names of the migrations after number $1 that were applied.
SELECT name FROM migrations WHERE number > $1;

-- encoding --
-- How the database writes texts.
SELECT current_setting('server_encoding');

-- take_turn_to_migrate --
-- Waits until no other process migrates the store of a schema ($1), and keeps others waiting until the transaction
-- ends.
SELECT pg_advisory_xact_lock(hashtextextended('llm-schema-registry ' || CAST($1 AS TEXT), 0));

-- has_schema --
-- Whether there is a schema of a name ($1).
SELECT to_regnamespace(quote_ident(CAST($1 AS TEXT))) IS NOT NULL;

-- create_migrations --
-- The record of the migrations that were applied.
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);

-- checksum --
-- The checksum of the migration $1 that was applied.
SELECT checksum FROM migrations WHERE number = $1;

-- note_migration --
-- Records an applied migration.
INSERT INTO migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4);
