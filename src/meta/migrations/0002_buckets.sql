-- SPDX-License-Identifier: Apache-2.0
-- Buckets, their entries, uploads in parts, tickets and sealed secrets; new columns of tasks and comments.
-- Keys are UTF-8 and are compared byte by byte.

-- kind is an enum bucket_kind. account_id is NULL for the server's own buckets.
CREATE TABLE buckets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT REFERENCES accounts (id),
    owner_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),
    cors TEXT NOT NULL DEFAULT '',
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX buckets_account ON buckets (account_id, name);

-- A composite is an object with part_count > 0. It has no bytes of its own (empty inline_bytes); object_parts names its
-- parts, which are objects themselves. Its size_bytes is the sum of theirs, its md5 the MD5 of their MD5s.
ALTER TABLE objects ADD COLUMN part_count INTEGER NOT NULL DEFAULT 0;
CREATE TABLE object_parts (
    object_id BIGINT NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,       -- 1, 2, 3 …: their order
    part_id BIGINT NOT NULL REFERENCES objects (id),
    part_offset BIGINT NOT NULL,   -- of the part's first byte in the whole
    PRIMARY KEY (object_id, number)
) WITHOUT ROWID;
CREATE INDEX object_parts_part ON object_parts (part_id);

-- One row for each key. The table is sorted by key, so that a list reads rows in sequence and nothing else.
CREATE TABLE entries (
    bucket_id BIGINT NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL CHECK (key <> ''),
    owner_id BIGINT NOT NULL REFERENCES users (id),
    object_id BIGINT NOT NULL REFERENCES objects (id),
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    md5 BLOB NOT NULL CHECK (length(md5) = 16),
    part_count INTEGER NOT NULL,
    checksum_kind INTEGER NOT NULL,
    checksum_form INTEGER NOT NULL,
    modified_at_ms BIGINT NOT NULL,
    checksum BLOB NOT NULL,
    upload TEXT NOT NULL,
    headers TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (bucket_id, key)
) WITHOUT ROWID;
CREATE INDEX entries_object ON entries (object_id);

CREATE TABLE uploads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,     -- what the client knows it by: random
    bucket_id BIGINT NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL CHECK (key <> ''),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    owner_id BIGINT NOT NULL REFERENCES users (id),
    headers TEXT NOT NULL,
    tags TEXT NOT NULL,
    checksum_kind INTEGER NOT NULL,
    checksum_form INTEGER NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX uploads_key ON uploads (bucket_id, key, id);
CREATE INDEX uploads_expired ON uploads (expires_at_ms, id);

CREATE TABLE upload_parts (
    upload_id BIGINT NOT NULL REFERENCES uploads (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    object_id BIGINT NOT NULL REFERENCES objects (id),
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    md5 BLOB NOT NULL CHECK (length(md5) = 16),
    checksum_kind INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    stored_at_ms BIGINT NOT NULL,
    PRIMARY KEY (upload_id, number)
) WITHOUT ROWID;
CREATE INDEX upload_parts_object ON upload_parts (object_id);

-- Permission to put the bytes of a file, given before they arrive. It is removed with its file. task_id and comment_id:
-- what the file is attached to when the ticket is confirmed. While it is pending, its task cannot be removed.
CREATE TABLE tickets (
    file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    bucket_id BIGINT NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL CHECK (key <> ''),
    declared_bytes BIGINT NOT NULL CHECK (declared_bytes >= 0),
    expires_at_ms BIGINT NOT NULL,
    confirmed_at_ms BIGINT NOT NULL,
    task_id BIGINT REFERENCES tasks (id),
    comment_id BIGINT REFERENCES comments (id),
    UNIQUE (bucket_id, key)
);
CREATE INDEX tickets_task ON tickets (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX tickets_comment ON tickets (comment_id) WHERE comment_id IS NOT NULL;

-- Both halves of a key pair that signs requests, sealed under the server's master key. Checking a signature needs them.
CREATE TABLE secrets (
    credential_id INTEGER PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL
);

-- shared: every user of the account may see the task.
ALTER TABLE tasks ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tasks_account ON tasks (account_id, id);
CREATE INDEX tasks_author ON tasks (author_id, id);
CREATE INDEX task_members_user ON task_members (user_id, task_id);
-- file_id: the file of its task that a comment is about.
ALTER TABLE comments ADD COLUMN file_id BIGINT REFERENCES files (id) ON DELETE SET NULL;
CREATE INDEX comments_file ON comments (file_id) WHERE file_id IS NOT NULL;
