-- SPDX-License-Identifier: Apache-2.0
-- Workspaces, what their records are about, and the files that are imported into them.

CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (account_id, name)
);
CREATE INDEX workspaces_account ON workspaces (account_id, id);

CREATE TABLE sections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    refuses_deletes INTEGER NOT NULL,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (workspace_id, name)
);
CREATE INDEX sections_workspace ON sections (workspace_id, id);

-- Those that accounts have registered; others are built in (core/sync/entities.def).
CREATE TABLE entities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    data_source TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (account_id, name),
    UNIQUE (account_id, data_source)
);
CREATE INDEX entities_account ON entities (account_id, id);

-- Where a key works; 0: it belongs to no workspace.
ALTER TABLE credentials ADD COLUMN workspace_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE credentials ADD COLUMN section_id BIGINT NOT NULL DEFAULT 0;

-- file_id: the file with the bytes, which this record holds, or 0 (core/records/sync_file.h).
CREATE TABLE sync_files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    handle TEXT NOT NULL UNIQUE,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    owner_id BIGINT NOT NULL REFERENCES users (id),
    workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
    section_id BIGINT NOT NULL REFERENCES sections (id),
    bucket_id BIGINT NOT NULL REFERENCES buckets (id),
    object_key TEXT NOT NULL,
    origin TEXT NOT NULL,
    way INTEGER NOT NULL,
    name TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    folder TEXT NOT NULL,
    category TEXT NOT NULL,
    remark TEXT NOT NULL,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    action TEXT NOT NULL,
    max_bytes BIGINT NOT NULL,
    idle_ms BIGINT NOT NULL,
    state INTEGER NOT NULL,
    revision BIGINT NOT NULL DEFAULT 1,
    file_id BIGINT NOT NULL DEFAULT 0,
    size_bytes BIGINT NOT NULL DEFAULT 0,
    md5 BLOB,
    content_type TEXT NOT NULL DEFAULT '',
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL,
    link_expires_at_ms BIGINT NOT NULL,
    uploaded_at_ms BIGINT NOT NULL DEFAULT 0,
    due_at_ms BIGINT NOT NULL
);
CREATE INDEX sync_files_account ON sync_files (account_id);
CREATE INDEX sync_files_workspace ON sync_files (workspace_id, id);
CREATE INDEX sync_files_file ON sync_files (file_id);
CREATE INDEX sync_files_bucket ON sync_files (bucket_id, object_key);
CREATE INDEX sync_files_due ON sync_files (due_at_ms, id);
