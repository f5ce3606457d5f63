//! Fills a store with so many flows and people, alike to the one flow and the one person that are there.

/// Statements for PostgreSQL. `tables` stands before each name: a schema, a dot and the prefix.
pub(crate) fn postgres(tables: &str, rows: usize, letters: usize) -> Vec<String> {
    let each = format!("generate_series(1, {rows}) AS i");
    vec![
        format!(
            "INSERT INTO {tables}records (kind, id, version, expires_at, spent, body) \
             SELECT 'flow', md5('flow' || i)::uuid, 1, now() + interval '1 hour' * i / {rows}, NULL, \
             (SELECT body FROM {tables}records WHERE kind = 'flow' AND spent IS NULL LIMIT 1) FROM {each}"
        ),
        format!(
            "INSERT INTO {tables}identities (id, schema_id, state, state_changed_at, traits, created_at, updated_at) \
             SELECT md5('person' || i)::uuid, p.schema_id, p.state, p.state_changed_at, p.traits, p.created_at, \
             p.updated_at FROM {each}, (SELECT * FROM {tables}identities LIMIT 1) AS p"
        ),
        format!(
            "INSERT INTO {tables}unique_values (key, identity_id) \
             SELECT sha256(convert_to(value || ' ' || i, 'UTF8')), md5('person' || i)::uuid \
             FROM {each}, generate_series(1, 3) AS value"
        ),
        format!(
            "INSERT INTO {tables}credentials (identity_id, kind, identifiers, config, created_at, updated_at) \
             SELECT md5('person' || i)::uuid, c.kind, c.identifiers, c.config, c.created_at, c.updated_at \
             FROM {each}, (SELECT * FROM {tables}credentials) AS c"
        ),
        format!(
            "INSERT INTO {tables}addresses (key, id, identity_id, list, position, via, value, state, created_at, \
             updated_at) SELECT sha256(convert_to('address ' || a.position || ' ' || i, 'UTF8')), \
             md5('address' || a.position || i)::uuid, md5('person' || i)::uuid, a.list, a.position, a.via, \
             'person-' || i || '@example.org', a.state, a.created_at, a.updated_at \
             FROM {each}, (SELECT * FROM {tables}addresses) AS a"
        ),
        format!(
            "INSERT INTO {tables}outbox (id, lane, ready_at, due_at, expires_at, body) \
             SELECT md5('letter' || i)::uuid, md5('lane' || i / 2)::uuid, now() + interval '1 second' * (i % 600), \
             now(), now() + interval '1 hour', decode(repeat('ab', 300), 'hex') FROM generate_series(1, {letters}) AS i"
        ),
    ]
}

/// Statements for SQLite. `tables` is the prefix.
pub(crate) fn sqlite(tables: &str, rows: usize, letters: usize) -> Vec<String> {
    let count =
        |most: usize| format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) ");
    // As far apart as random ids, and found again from the number.
    let id = |salt: u32| format!("unhex(printf('%08x%08x%016x', (n.i * 2654435761) % 4294967296, {salt}, n.i))");
    let key =
        |salt: &str| format!("unhex(printf('%08x%08x%016x%032x', (n.i * 2654435761) % 4294967296, {salt}, n.i, n.i))");
    let (each, now) = (count(rows), "CAST(unixepoch('subsec') * 1000000 AS INTEGER)");
    vec![
        format!(
            "{each} INSERT INTO {tables}records (kind, id, version, expires_at, spent, body) \
             SELECT 'flow', {}, 1, {now} + 3600000000 / {rows} * n.i, NULL, \
             (SELECT body FROM {tables}records WHERE kind = 'flow' AND spent IS NULL LIMIT 1) FROM n",
            id(1)
        ),
        format!(
            "{each} INSERT INTO {tables}identities (id, schema_id, state, state_changed_at, traits, created_at, \
             updated_at) SELECT {}, p.schema_id, p.state, p.state_changed_at, p.traits, p.created_at, p.updated_at \
             FROM n, (SELECT * FROM {tables}identities LIMIT 1) AS p",
            id(2)
        ),
        format!(
            "{each} INSERT INTO {tables}unique_values (key, identity_id) SELECT {}, {} \
             FROM n, (SELECT 1 AS value UNION SELECT 2 UNION SELECT 3) AS v",
            key("v.value"),
            id(2)
        ),
        format!(
            "{each} INSERT INTO {tables}credentials (identity_id, kind, identifiers, config, created_at, updated_at) \
             SELECT {}, c.kind, c.identifiers, c.config, c.created_at, c.updated_at \
             FROM n, (SELECT * FROM {tables}credentials) AS c",
            id(2)
        ),
        format!(
            "{each} INSERT INTO {tables}addresses (key, id, identity_id, list, position, via, value, state, created_at, \
             updated_at) SELECT {}, {}, {}, a.list, a.position, a.via, 'person-' || n.i || '@example.org', a.state, \
             a.created_at, a.updated_at FROM n, (SELECT * FROM {tables}addresses) AS a",
            key("100 + a.position"),
            id(3),
            id(2)
        ),
        format!(
            "{} INSERT INTO {tables}outbox (id, lane, ready_at, due_at, expires_at, body) \
             SELECT {}, unhex(printf('%032x', n.i / 2)), {now} + 1000000 * (n.i % 600), {now}, {now} + 3600000000, \
             zeroblob(300) FROM n",
            count(letters),
            id(4)
        ),
    ]
}
