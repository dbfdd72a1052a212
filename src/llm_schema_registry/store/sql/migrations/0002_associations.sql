-- Which subjects hold the schemas of a resource outside the registry, e.g. of the keys and values of a topic.
CREATE TABLE associations (
    resource_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    association_type TEXT NOT NULL,
    resource_name TEXT NOT NULL,
    resource_namespace TEXT NOT NULL,
    context TEXT NOT NULL,
    subject TEXT NOT NULL,
    guid TEXT NOT NULL,
    lifecycle TEXT NOT NULL,
    frozen SMALLINT NOT NULL CHECK (frozen IN (0, 1)),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT
);
CREATE UNIQUE INDEX associations_current ON associations (resource_id, resource_type, association_type)
    WHERE until IS NULL;
CREATE INDEX associations_of_subject
    ON associations (context, subject, resource_namespace, resource_name, resource_id, resource_type, association_type)
    WHERE until IS NULL;
CREATE INDEX associations_of_name
    ON associations (resource_name, resource_namespace, resource_id, resource_type, association_type)
    WHERE until IS NULL;
CREATE INDEX associations_listed
    ON associations (resource_namespace, resource_name, resource_id, resource_type, association_type)
    WHERE until IS NULL;
