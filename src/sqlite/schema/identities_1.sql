CREATE TABLE {prefix}identities (
    id BLOB PRIMARY KEY,
    schema_id TEXT NOT NULL,
    -- `active` or `inactive`.
    state TEXT NOT NULL,
    state_changed_at INTEGER NOT NULL,
    external_id TEXT,
    organization_id BLOB,
    -- JSON.
    traits TEXT NOT NULL,
    metadata_public TEXT,
    metadata_admin TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The one unique index over all kinds of values that only one identity may have: SHA-256 of kind and value.
CREATE TABLE {prefix}unique_values (
    key BLOB PRIMARY KEY,
    identity_id BLOB NOT NULL REFERENCES {prefix}identities (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}unique_values_identity ON {prefix}unique_values (identity_id);

CREATE TABLE {prefix}credentials (
    identity_id BLOB NOT NULL REFERENCES {prefix}identities (id) ON DELETE CASCADE,
    -- The word of the method that checks it.
    kind TEXT NOT NULL,
    -- JSON: what a person may type together with it.
    identifiers TEXT NOT NULL,
    -- JSON: what checking it needs, such as {"hashed_password": "…"}.
    config TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (identity_id, kind)
) STRICT;

CREATE TABLE {prefix}addresses (
    -- The key of the unique value that the address is.
    key BLOB PRIMARY KEY,
    id BLOB NOT NULL,
    identity_id BLOB NOT NULL REFERENCES {prefix}identities (id) ON DELETE CASCADE,
    -- `verifiable` or `recovery`.
    list TEXT NOT NULL,
    -- Its place in the order of the schema.
    position INTEGER NOT NULL,
    -- `email` or `sms`.
    via TEXT NOT NULL,
    value TEXT NOT NULL,
    -- `pending`, `sent` or `completed`.
    state TEXT NOT NULL,
    verified_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}addresses_identity ON {prefix}addresses (identity_id, position);
