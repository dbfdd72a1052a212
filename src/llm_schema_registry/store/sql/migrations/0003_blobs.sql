-- A large definition is an object outside the store: `blob` is the name of the object, and `text` is empty.
ALTER TABLE schemas ADD COLUMN
    blob TEXT;
CREATE INDEX schemas_in_blobs ON schemas (blob, context, schema_id) WHERE blob IS NOT NULL;
