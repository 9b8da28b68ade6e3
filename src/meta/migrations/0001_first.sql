-- SPDX-License-Identifier: Apache-2.0
-- The first schema. Written so that PostgreSQL can follow: what only SQLite says (AUTOINCREMENT, RAISE) gets a pair there.
-- AUTOINCREMENT: an id is never given twice, also not that of the last row after it was removed.
-- Times are milliseconds since 1970 UTC, 0: not set. Ids that may be missing are NULL. States are those of core/records/.

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created_at_ms BIGINT NOT NULL,
    max_bytes BIGINT NOT NULL CHECK (max_bytes >= 0),
    max_files BIGINT NOT NULL CHECK (max_files >= 0),
    used_bytes BIGINT NOT NULL,
    used_files BIGINT NOT NULL
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 2147483648),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    login TEXT NOT NULL CHECK (login <> ''),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
    is_admin INTEGER NOT NULL CHECK (is_admin BETWEEN 0 AND 1),
    created_at_ms BIGINT NOT NULL,
    password_hash TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX users_login ON users (login) WHERE state <> 2;
CREATE INDEX users_account ON users (account_id, id);
CREATE INDEX users_email ON users (account_id, email);

CREATE TABLE credentials (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL CHECK (purpose <> ''),
    form INTEGER NOT NULL CHECK (form BETWEEN 0 AND 1),
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    parent_id BIGINT REFERENCES credentials (id),
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX credentials_hash ON credentials (secret_hash, purpose, form);
CREATE INDEX credentials_user ON credentials (user_id, form, id);
CREATE INDEX credentials_parent ON credentials (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX credentials_expired ON credentials (expires_at_ms) WHERE expires_at_ms > 0;
CREATE INDEX credentials_revoked ON credentials (revoked_at_ms) WHERE revoked_at_ms > 0;

-- inline_bytes comes last: what reads the columns before it does not read its pages. A table of its own for it was not
-- faster anywhere and up to 20 % slower at 16 KiB.
CREATE TABLE objects (
    id INTEGER PRIMARY KEY, -- from next_ids
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    md5 BLOB NOT NULL CHECK (length(md5) = 16),
    created_at_ms BIGINT NOT NULL,
    blob_key TEXT CHECK (blob_key <> ''),
    inline_bytes BLOB,
    CHECK ((blob_key IS NULL) <> (inline_bytes IS NULL))
);
CREATE UNIQUE INDEX objects_blob_key ON objects (blob_key) WHERE blob_key IS NOT NULL;

-- Ids of the two tables that every upload writes to, handed out in blocks: AUTOINCREMENT, which looks its counter up and
-- writes it back for each row, cost 15 % of an upload.
CREATE TABLE next_ids (
    kind TEXT PRIMARY KEY,
    next_id BIGINT NOT NULL
);
INSERT INTO next_ids (kind, next_id) VALUES ('objects', 1), ('files', 1);

-- Blobs whose bytes may go.
CREATE TABLE garbage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    blob_key TEXT NOT NULL UNIQUE,
    put_at_ms BIGINT NOT NULL
);
CREATE INDEX garbage_age ON garbage (put_at_ms, id);

-- size_bytes and md5 are those of the object, which never changes: a listing reads no object.
CREATE TABLE files (
    id INTEGER PRIMARY KEY, -- from next_ids
    uuid BLOB NOT NULL CHECK (length(uuid) = 16),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    owner_id BIGINT NOT NULL REFERENCES users (id),
    way TEXT NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    object_id BIGINT REFERENCES objects (id),
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    md5 BLOB NOT NULL CHECK (length(md5) = 16),
    created_at_ms BIGINT NOT NULL,
    stored_at_ms BIGINT NOT NULL,
    purge_at_ms BIGINT NOT NULL,
    CHECK (object_id IS NOT NULL OR state IN (0, 3))
);
CREATE UNIQUE INDEX files_uuid ON files (uuid);
CREATE INDEX files_account ON files (account_id, id);
CREATE INDEX files_owner ON files (owner_id, id);
CREATE INDEX files_object ON files (object_id) WHERE object_id IS NOT NULL;
CREATE INDEX files_purge ON files (purge_at_ms, id) WHERE purge_at_ms > 0;

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 2147483648),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    author_id BIGINT NOT NULL REFERENCES users (id),
    text TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT NOT NULL
);

CREATE TABLE task_members (
    task_id BIGINT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    roles INTEGER NOT NULL CHECK (roles BETWEEN 1 AND 7),
    PRIMARY KEY (task_id, user_id)
);

CREATE TABLE comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id BIGINT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    author_id BIGINT NOT NULL REFERENCES users (id),
    text TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    edited_at_ms BIGINT NOT NULL
);
CREATE INDEX comments_task ON comments (task_id, id);

-- root_id has no foreign key: a chain of versions may outlive its first one.
CREATE TABLE refs (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 2147483648),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    task_id BIGINT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    comment_id BIGINT REFERENCES comments (id) ON DELETE CASCADE,
    file_id BIGINT REFERENCES files (id),
    root_id BIGINT, -- NULL only until the row's own id is known
    version BIGINT NOT NULL CHECK (version >= 1),
    url TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    CHECK ((file_id IS NULL) <> (url = ''))
);
CREATE INDEX refs_task ON refs (task_id, id);
CREATE INDEX refs_comment ON refs (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX refs_file ON refs (file_id) WHERE file_id IS NOT NULL;
CREATE UNIQUE INDEX refs_version ON refs (root_id, version) WHERE root_id IS NOT NULL;

-- The audit log. No foreign keys: it outlives what it tells of. No AUTOINCREMENT: no row ever goes, so no id comes back.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    actor_id BIGINT NOT NULL,
    action TEXT NOT NULL CHECK (action <> ''),
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never removed');
END;
CREATE TRIGGER events_stand BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind <> ''),
    subject TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    run_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    finished_at_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    progress BIGINT NOT NULL,
    total BIGINT NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX jobs_due ON jobs (state, run_at_ms, id);
CREATE INDEX jobs_kind ON jobs (kind);
