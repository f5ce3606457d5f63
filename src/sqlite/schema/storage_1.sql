-- Times are Unix times in microseconds, ids the 16 bytes of a UUID.

-- Flows and everything else with an expiry.
CREATE TABLE {prefix}records (
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The identity that used it up.
    spent BLOB,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

CREATE INDEX {prefix}records_expiry ON {prefix}records (expires_at);

-- What must be done after a commit.
CREATE TABLE {prefix}outbox (
    -- The order within a lane.
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    lane BLOB NOT NULL,
    -- From when on it can be taken: when it is due, or when the lease of its lane ends.
    ready_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    lease BLOB,
    body BLOB NOT NULL
) STRICT;

CREATE INDEX {prefix}outbox_ready ON {prefix}outbox (ready_at, seq);
CREATE INDEX {prefix}outbox_lane ON {prefix}outbox (lane, seq);
