//! Every statement that is sent to SQLite, with one exception: what [sets the tables up](super::setup).

use crate::sql::statements;

statements! {
    /// Statements about records and the outbox.
    StorageStatements {
        get = "SELECT version, expires_at, spent, body FROM {prefix}records WHERE kind = ?1 AND id = ?2";
        insert = "INSERT INTO {prefix}records (kind, id, version, expires_at, spent, body) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (kind, id) DO NOTHING";
        update = "UPDATE {prefix}records SET version = ?3, expires_at = ?4, spent = ?5, body = ?6 \
            WHERE kind = ?1 AND id = ?2 AND version = ?7";
        spend = "UPDATE {prefix}records SET version = ?3, expires_at = ?4, spent = ?5, body = ?6 \
            WHERE kind = ?1 AND id = ?2 AND version = ?7 AND spent IS NULL";
        sweep = "DELETE FROM {prefix}records WHERE rowid IN \
            (SELECT rowid FROM {prefix}records WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)";
        post = "INSERT INTO {prefix}outbox (id, lane, ready_at, due_at, expires_at, body, lease) \
            VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)";
        /// The first rows of lanes, the oldest first.
        ready = "SELECT o.seq, o.lane FROM {prefix}outbox AS o WHERE o.ready_at <= ?1 \
            AND o.seq = (SELECT min(b.seq) FROM {prefix}outbox AS b WHERE b.lane = o.lane) \
            ORDER BY o.ready_at, o.seq LIMIT ?2";
        /// `tries` is told as it was before.
        take = "UPDATE {prefix}outbox SET lease = ?2, ready_at = ?3, tries = tries + 1 WHERE seq = ?1 \
            RETURNING id, due_at, expires_at, tries - 1, body";
        /// The rest of a lane cannot be taken before its first row can: so it is not looked at in vain.
        hold_back = "UPDATE {prefix}outbox SET ready_at = ?3 WHERE lane = ?1 AND seq > ?2 AND ready_at < ?3";
        erase = "DELETE FROM {prefix}outbox WHERE id = ?1 AND lease = ?2 RETURNING lane";
        /// The next of a lane is free to go when it is due.
        let_go = "UPDATE {prefix}outbox SET ready_at = due_at WHERE lane = ?1";
        postpone = "UPDATE {prefix}outbox SET lease = NULL, ready_at = ?3, due_at = ?3 \
            WHERE id = ?1 AND lease = ?2 RETURNING seq, lane";
    }
}

statements! {
    /// Statements about people.
    PeopleStatements {
        owners = "SELECT key, identity_id FROM {prefix}unique_values \
            WHERE key IN (SELECT substr(?1, 32 * n.value + 1, 32) FROM json_each(?2) AS n)";
        credentials = "SELECT kind, identifiers, config FROM {prefix}credentials WHERE identity_id = ?1 ORDER BY kind";
        identity = "SELECT schema_id, state, state_changed_at, external_id, organization_id, traits, metadata_public, \
            created_at, updated_at FROM {prefix}identities WHERE id = ?1";
        addresses = "SELECT id, list, via, value, state, verified_at, created_at, updated_at \
            FROM {prefix}addresses WHERE identity_id = ?1 ORDER BY position";
        address = "SELECT identity_id, state, verified_at FROM {prefix}addresses WHERE key = ?1";
        insert_identity = "INSERT INTO {prefix}identities (id, schema_id, state, state_changed_at, external_id, traits, \
            metadata_public, metadata_admin, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?4, ?4) \
            ON CONFLICT (id) DO NOTHING";
        claim = "INSERT INTO {prefix}unique_values (key, identity_id) \
            SELECT substr(?1, 32 * n.value + 1, 32), ?3 FROM json_each(?2) AS n WHERE true ON CONFLICT (key) DO NOTHING";
        insert_credentials = "INSERT INTO {prefix}credentials (identity_id, kind, identifiers, config, created_at, \
            updated_at) SELECT ?1, json_extract(n.value, '$[0]'), json_extract(n.value, '$[1]'), \
            json_extract(n.value, '$[2]'), ?3, ?3 FROM json_each(?2) AS n";
        insert_addresses = "INSERT INTO {prefix}addresses (key, id, identity_id, list, position, via, value, state, \
            verified_at, created_at, updated_at) SELECT substr(?1, 32 * n.key + 1, 32), substr(?2, 16 * n.key + 1, 16), ?3, \
            json_extract(n.value, '$[0]'), n.key, json_extract(n.value, '$[1]'), json_extract(n.value, '$[2]'), \
            json_extract(n.value, '$[3]'), json_extract(n.value, '$[4]'), ?5, ?5 FROM json_each(?4) AS n";
        change_address = "UPDATE {prefix}addresses SET state = ?3, verified_at = ?4 WHERE key = ?1 AND identity_id = ?2";
    }
}
