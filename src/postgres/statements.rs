//! Every statement that is sent to PostgreSQL, with one exception: what [sets the tables up](super::setup).

use crate::sql::statements;

statements! {
    /// Statements about records and the outbox.
    StorageStatements {
        get = "SELECT version, expires_at, spent, body FROM {schema}{prefix}records WHERE kind = $1 AND id = $2";
        insert = "INSERT INTO {schema}{prefix}records (kind, id, version, expires_at, spent, body) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, id) DO NOTHING";
        update = "UPDATE {schema}{prefix}records SET version = $3, expires_at = $4, spent = $5, body = $6 \
            WHERE kind = $1 AND id = $2 AND version = $7";
        spend = "UPDATE {schema}{prefix}records SET version = $3, expires_at = $4, spent = $5, body = $6 \
            WHERE kind = $1 AND id = $2 AND version = $7 AND spent IS NULL";
        /// Rows that another sweeper works on are left to it.
        sweep = "DELETE FROM {schema}{prefix}records WHERE ctid = ANY(ARRAY(SELECT ctid FROM {schema}{prefix}records \
            WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
        post = "INSERT INTO {schema}{prefix}outbox (id, lane, ready_at, due_at, expires_at, body, lease) \
            VALUES ($1, $2, $3, $3, $4, $5, $6)";
        /// The first rows of lanes, the oldest first; those that another dispatcher is about to take are left to it. The
        /// rest of a lane cannot be taken before its first row can: so it is not looked at in vain. `tries` is told as it
        /// was before.
        lease = "WITH ready AS ( \
                SELECT o.seq, o.lane FROM {schema}{prefix}outbox AS o WHERE o.ready_at <= $1 \
                AND o.seq = (SELECT min(b.seq) FROM {schema}{prefix}outbox AS b WHERE b.lane = o.lane) \
                ORDER BY o.ready_at, o.seq LIMIT $3 FOR UPDATE OF o SKIP LOCKED), \
            held_back AS ( \
                UPDATE {schema}{prefix}outbox AS o SET ready_at = $2 FROM ready AS r \
                WHERE o.lane = r.lane AND o.seq > r.seq AND o.ready_at < $2) \
            UPDATE {schema}{prefix}outbox AS o SET lease = gen_random_uuid(), ready_at = $2, tries = o.tries + 1 \
            FROM ready AS r WHERE o.seq = r.seq \
            RETURNING o.id, o.lane, o.due_at, o.expires_at, o.tries - 1, o.lease, o.body";
        /// The next of a lane is free to go when it is due.
        erase = "WITH gone AS (DELETE FROM {schema}{prefix}outbox WHERE id = $1 AND lease = $2 RETURNING seq, lane) \
            UPDATE {schema}{prefix}outbox AS o SET ready_at = o.due_at FROM gone AS g \
            WHERE o.lane = g.lane AND o.seq > g.seq";
        postpone = "WITH waits AS (UPDATE {schema}{prefix}outbox SET lease = NULL, ready_at = $3, due_at = $3 \
                WHERE id = $1 AND lease = $2 RETURNING seq, lane) \
            UPDATE {schema}{prefix}outbox AS o SET ready_at = $3 FROM waits AS w \
            WHERE o.lane = w.lane AND o.seq > w.seq AND o.ready_at < $3";
        /// Fails in a transaction in which a statement has failed: its commit would say that all is well, and roll back.
        sound = "SELECT 1";
    }
}

statements! {
    /// Statements about people.
    PeopleStatements {
        owners = "SELECT key, identity_id FROM {schema}{prefix}unique_values WHERE key = ANY($1)";
        credentials = "SELECT kind, identifiers::text, config::text FROM {schema}{prefix}credentials \
            WHERE identity_id = $1 ORDER BY kind COLLATE \"C\"";
        identity = "SELECT schema_id, state, state_changed_at, external_id, organization_id, traits::text, \
            metadata_public::text, created_at, updated_at FROM {schema}{prefix}identities WHERE id = $1";
        addresses = "SELECT id, list, via, value, state, verified_at, created_at, updated_at \
            FROM {schema}{prefix}addresses WHERE identity_id = $1 ORDER BY position";
        address = "SELECT identity_id, state, verified_at FROM {schema}{prefix}addresses WHERE key = $1";
        insert_identity = "INSERT INTO {schema}{prefix}identities (id, schema_id, state, state_changed_at, external_id, \
            traits, metadata_public, metadata_admin, created_at, updated_at) \
            VALUES ($1, $2, $3, $4, $5, $6::json, $7::json, $8::json, $4, $4) ON CONFLICT (id) DO NOTHING";
        /// In the order of the keys, so that two that claim the same values wait for each other, and never both.
        claim = "INSERT INTO {schema}{prefix}unique_values (key, identity_id) \
            SELECT claimed.key, $2 FROM unnest($1::bytea[]) AS claimed (key) ON CONFLICT (key) DO NOTHING";
        insert_credentials = "INSERT INTO {schema}{prefix}credentials (identity_id, kind, identifiers, config, \
            created_at, updated_at) SELECT $1, c.kind, c.identifiers::json, c.config::json, $5, $5 \
            FROM unnest($2::text[], $3::text[], $4::text[]) AS c (kind, identifiers, config)";
        insert_address = "INSERT INTO {schema}{prefix}addresses (key, id, identity_id, list, position, via, value, state, \
            verified_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)";
        change_address = "UPDATE {schema}{prefix}addresses SET state = $3, verified_at = $4 \
            WHERE key = $1 AND identity_id = $2";
    }
}
