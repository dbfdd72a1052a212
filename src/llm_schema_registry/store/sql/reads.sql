-- revision --
-- The revision of the last committed write.
SELECT revision FROM head;

-- identity --
-- The secret that this store was made with.
SELECT secret FROM identity;

-- schema --
-- The content of an id ($2) in a context ($1).
SELECT context, schema_id, guid, schema_type, text, refs, metadata, rule_set, created_at, blob
FROM schemas
WHERE context = $1 AND schema_id = $2;

-- schemas_by_guid --
-- All contents with a GUID. The default context is called '.', so it sorts before every other.
SELECT context, schema_id, guid, schema_type, text, refs, metadata, rule_set, created_at, blob
FROM schemas
WHERE guid = $1
ORDER BY context, schema_id;

-- same_content --
-- The id of the content with a GUID ($1) and a type ($3) in a context ($2): the given one ($4) or, for 0, the first.
SELECT schema_id
FROM schemas
WHERE guid = $1 AND context = $2 AND schema_type = $3 AND CAST($4 AS INTEGER) IN (0, schema_id)
ORDER BY schema_id
LIMIT 1;

-- schemas_in_blobs --
-- Contents whose texts are objects, from after the content of an id ($3) in a context ($2) with an object ($1).
SELECT context, schema_id, guid, schema_type, text, refs, metadata, rule_set, created_at, blob
FROM schemas
WHERE blob IS NOT NULL AND (blob, context, schema_id) > ($1, $2, $3)
ORDER BY blob, context, schema_id
LIMIT $4;

-- large_schemas --
-- Where contents with a text of more than $1 characters in the tables are, from after an id ($3) in a context ($2).
SELECT context, schema_id
FROM schemas
WHERE (context, schema_id) > ($2, $3) AND length(text) > $1
ORDER BY context, schema_id
LIMIT $4;

-- counter --
-- The id that a context gives next; no row if it never gave one.
SELECT next_id FROM counters WHERE context = $1;

-- version --
-- The current fact of a version ($3) of a subject ($1, $2).
SELECT context, subject, version, schema_id, state, deleted, registered_at
FROM versions
WHERE context = $1 AND subject = $2 AND version = $3 AND until IS NULL;

-- versions --
-- The current facts of all versions of a subject.
SELECT context, subject, version, schema_id, state, deleted, registered_at
FROM versions
WHERE context = $1 AND subject = $2 AND until IS NULL
ORDER BY version;

-- latest --
-- The highest ACTIVE version, else the highest DEPRECATED: 'ACTIVE' sorts before 'DEPRECATED'.
SELECT context, subject, version, schema_id, state, deleted, registered_at
FROM versions
WHERE context = $1 AND subject = $2 AND until IS NULL AND deleted = 0 AND state IN ('ACTIVE', 'DEPRECATED')
ORDER BY state, version DESC
LIMIT 1;

-- versions_of_schema --
-- The current facts that have the content of an id ($2) in a context ($1).
SELECT context, subject, version, schema_id, state, deleted, registered_at
FROM versions
WHERE context = $1 AND schema_id = $2 AND until IS NULL
ORDER BY subject, version;

-- referrers --
-- The current facts whose content refers to a subject ($1, $2) at a version between $3 and $4.
SELECT DISTINCT v.context, v.subject, v.version, v.schema_id, v.state, v.deleted, v.registered_at
FROM schema_references r
JOIN versions v ON v.context = r.context AND v.schema_id = r.schema_id AND v.until IS NULL
WHERE r.to_context = $1 AND r.to_subject = $2 AND r.to_version BETWEEN $3 AND $4
ORDER BY v.context, v.subject, v.version;

-- subjects --
-- Subjects from ($1, $2) to before ($3, $4) whose names start with $2, drafts aside. Their least `deleted` lies
-- between $5 and $6: 0 and 0 for those with a living version, 1 and 1 for those with none, 0 and 1 for all.
SELECT context, subject
FROM versions
WHERE until IS NULL AND state <> 'DRAFT'
    AND (context, subject) >= ($1, $2) AND (context, subject) < ($3, $4)
    AND substr(subject, 1, length(CAST($2 AS TEXT))) = CAST($2 AS TEXT)
GROUP BY context, subject
HAVING MIN(deleted) BETWEEN $5 AND $6
ORDER BY context, subject
LIMIT $7 OFFSET $8;

-- list_versions --
-- Versions of the subjects from ($1, $2) to before ($3, $4) whose names start with $2, drafts aside, with `deleted`
-- between $5 and $6; with $7 = 1 only the highest of them in each subject.
SELECT v.context, v.subject, v.version, v.schema_id, v.state, v.deleted, v.registered_at
FROM versions v
WHERE v.until IS NULL AND v.state <> 'DRAFT'
    AND (v.context, v.subject) >= ($1, $2) AND (v.context, v.subject) < ($3, $4)
    AND substr(v.subject, 1, length(CAST($2 AS TEXT))) = CAST($2 AS TEXT)
    AND v.deleted BETWEEN $5 AND $6
    AND (CAST($7 AS INTEGER) = 0 OR NOT EXISTS (
        SELECT 1
        FROM versions n
        WHERE n.context = v.context AND n.subject = v.subject AND n.version > v.version
            AND n.until IS NULL AND n.state <> 'DRAFT' AND n.deleted BETWEEN $5 AND $6
    ))
ORDER BY v.context, v.subject, v.version
LIMIT $8 OFFSET $9;

-- count_versions --
-- The revision of the last committed write, and how many versions are current and not soft-deleted.
SELECT (SELECT revision FROM head), count(*) FROM versions WHERE until IS NULL AND deleted = 0;

-- contexts --
-- Known contexts from $1 to before $2 that start with $1.
SELECT context
FROM contexts
WHERE until IS NULL AND context >= $1 AND context < $2
    AND substr(context, 1, length(CAST($1 AS TEXT))) = CAST($1 AS TEXT)
ORDER BY context
LIMIT $3 OFFSET $4;

-- context --
-- Whether a context ($1) is on the list: a row if so.
SELECT context FROM contexts WHERE context = $1 AND until IS NULL;

-- setting --
-- The current value of a kind of setting ($3) at a scope ($1, $2).
SELECT value FROM settings
WHERE context = $1 AND subject = $2 AND kind = $3 AND until IS NULL;

-- scopes_with_setting --
-- The scopes of a context ($1) that carry a kind of setting ($2); the context itself has the empty name.
SELECT context, subject
FROM settings
WHERE context = $1 AND kind = $2 AND until IS NULL
ORDER BY subject;

-- touched --
-- The last revision that changed a scope ($1, $2).
SELECT revision
FROM changes
WHERE context = $1 AND subject = $2 AND kind NOT IN ('schema.added', 'schema.removed')
ORDER BY revision DESC
LIMIT 1;

-- changes --
-- The change log from after revision $1 to revision $2, at most $3 records.
SELECT revision, ordinal, at, kind, context, subject, version, schema_id, actor, detail
FROM changes
WHERE revision > $1 AND revision <= $2
ORDER BY revision, ordinal
LIMIT $3;

-- associations_of_subject --
-- The current associations of a subject ($1, $2).
SELECT resource_id, resource_type, association_type, resource_name, resource_namespace, context, subject, guid,
    lifecycle, frozen, created_at, updated_at
FROM associations
WHERE context = $1 AND subject = $2 AND until IS NULL
ORDER BY resource_namespace, resource_name, resource_id, resource_type, association_type;

-- associations_of_resource --
-- The current associations of the resource of an id ($1).
SELECT resource_id, resource_type, association_type, resource_name, resource_namespace, context, subject, guid,
    lifecycle, frozen, created_at, updated_at
FROM associations
WHERE resource_id = $1 AND until IS NULL
ORDER BY resource_type, association_type;

-- associations_of_name --
-- The current associations of the resources of a name ($1), in every namespace.
SELECT resource_id, resource_type, association_type, resource_name, resource_namespace, context, subject, guid,
    lifecycle, frozen, created_at, updated_at
FROM associations
WHERE resource_name = $1 AND until IS NULL
ORDER BY resource_namespace, resource_id, resource_type, association_type;

-- associations_listed --
-- All current associations from a namespace ($1) on.
SELECT resource_id, resource_type, association_type, resource_name, resource_namespace, context, subject, guid,
    lifecycle, frozen, created_at, updated_at
FROM associations
WHERE resource_namespace >= $1 AND until IS NULL
ORDER BY resource_namespace, resource_name, resource_id, resource_type, association_type;
