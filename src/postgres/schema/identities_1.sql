CREATE TABLE {schema}{prefix}identities (
    id UUID PRIMARY KEY,
    schema_id TEXT NOT NULL,
    -- `active` or `inactive`.
    state TEXT NOT NULL,
    state_changed_at TIMESTAMPTZ NOT NULL,
    external_id TEXT,
    organization_id UUID,
    -- JSON, not JSONB: every text that a person can type comes back as it was.
    traits JSON NOT NULL,
    metadata_public JSON,
    metadata_admin JSON,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- The one unique index over all kinds of values that only one identity may have: SHA-256 of kind and value.
CREATE TABLE {schema}{prefix}unique_values (
    key BYTEA PRIMARY KEY,
    identity_id UUID NOT NULL REFERENCES {schema}{prefix}identities (id) ON DELETE CASCADE
);

CREATE INDEX {prefix}unique_values_identity ON {schema}{prefix}unique_values (identity_id);

CREATE TABLE {schema}{prefix}credentials (
    identity_id UUID NOT NULL REFERENCES {schema}{prefix}identities (id) ON DELETE CASCADE,
    -- The word of the method that checks it.
    kind TEXT NOT NULL,
    -- What a person may type together with it.
    identifiers JSON NOT NULL,
    -- What checking it needs, such as {"hashed_password": "…"}.
    config JSON NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (identity_id, kind)
);

CREATE TABLE {schema}{prefix}addresses (
    -- The key of the unique value that the address is.
    key BYTEA PRIMARY KEY,
    id UUID NOT NULL,
    identity_id UUID NOT NULL REFERENCES {schema}{prefix}identities (id) ON DELETE CASCADE,
    -- `verifiable` or `recovery`.
    list TEXT NOT NULL,
    -- Its place in the order of the schema.
    position INTEGER NOT NULL,
    -- `email` or `sms`.
    via TEXT NOT NULL,
    value TEXT NOT NULL,
    -- `pending`, `sent` or `completed`.
    state TEXT NOT NULL,
    verified_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX {prefix}addresses_identity ON {schema}{prefix}addresses (identity_id, position);
