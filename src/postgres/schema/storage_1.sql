-- Flows and everything else with an expiry.
CREATE TABLE {schema}{prefix}records (
    kind TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    -- The identity that used it up.
    spent UUID,
    body BYTEA NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE INDEX {prefix}records_expiry ON {schema}{prefix}records (expires_at);

-- What must be done after a commit.
CREATE TABLE {schema}{prefix}outbox (
    -- The order within a lane.
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    lane UUID NOT NULL,
    -- From when on it can be taken: when it is due, or when the lease of its lane ends.
    ready_at TIMESTAMPTZ NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    lease UUID,
    body BYTEA NOT NULL
);

CREATE INDEX {prefix}outbox_ready ON {schema}{prefix}outbox (ready_at, seq);
CREATE INDEX {prefix}outbox_lane ON {schema}{prefix}outbox (lane, seq);
