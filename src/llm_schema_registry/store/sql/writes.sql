-- move_head --
-- Makes $1 the last committed revision.
UPDATE head SET revision = $1;

-- touch_head --
-- Writes the head row without a change: it fails as any write would.
UPDATE head SET revision = revision;

-- add_change --
-- Appends a record to the change log.
INSERT INTO changes (revision, ordinal, at, kind, context, subject, version, schema_id, actor, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- move_counter --
-- Makes $2 the id that a context ($1) gives next.
INSERT INTO counters (context, next_id) VALUES ($1, $2)
ON CONFLICT (context) DO UPDATE SET next_id = excluded.next_id;

-- add_context --
-- Puts a context ($1) on the list since revision $2.
INSERT INTO contexts (context, since) VALUES ($1, $2);

-- end_context --
-- Takes a context ($1) off the list at revision $2.
UPDATE contexts SET until = $2 WHERE context = $1 AND until IS NULL;

-- add_schema --
-- Stores content.
INSERT INTO schemas (context, schema_id, guid, schema_type, text, refs, metadata, rule_set, created_at, blob)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- place_text --
-- Keeps the text of the content of an id ($2) in a context ($1) here ($3), or as an object ($4).
UPDATE schemas SET text = $3, blob = $4 WHERE context = $1 AND schema_id = $2;

-- add_reference --
-- Notes that the content of an id ($5) in a context ($4) refers to a version ($3) of a subject ($1, $2).
INSERT INTO schema_references (to_context, to_subject, to_version, context, schema_id)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- remove_schema --
-- Removes the content of an id ($2) in a context ($1), and with it the note of what it refers to.
DELETE FROM schemas WHERE context = $1 AND schema_id = $2;

-- end_version --
-- Ends the current fact of a version ($3) of a subject ($1, $2) at revision $4.
UPDATE versions SET until = $4
WHERE context = $1 AND subject = $2 AND version = $3 AND until IS NULL;

-- add_version --
-- Makes a fact of a version the current one since revision $8.
INSERT INTO versions (context, subject, version, schema_id, state, deleted, registered_at, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- end_setting --
-- Ends the current value of a kind of setting ($3) at a scope ($1, $2) at revision $4.
UPDATE settings SET until = $4
WHERE context = $1 AND subject = $2 AND kind = $3 AND until IS NULL;

-- add_setting --
-- Makes $4 the current value of a kind of setting ($3) at a scope ($1, $2) since revision $5.
INSERT INTO settings (context, subject, kind, value, since) VALUES ($1, $2, $3, $4, $5);

-- end_association --
-- Ends the current association of a type ($3) of a resource ($1, $2) at revision $4.
UPDATE associations SET until = $4
WHERE resource_id = $1 AND resource_type = $2 AND association_type = $3 AND until IS NULL;

-- add_association --
-- Makes an association the current one since revision $13.
INSERT INTO associations (resource_id, resource_type, association_type, resource_name, resource_namespace, context,
    subject, guid, lifecycle, frozen, created_at, updated_at, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);
