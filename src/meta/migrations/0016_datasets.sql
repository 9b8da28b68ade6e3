-- SPDX-License-Identifier: Apache-2.0
-- Datasets: their columns, the files that were sent to them, and permission to send files. Their rows are in the dataset store.

-- columns: a line for each, in order: its type in two digits, '!' if a value is required, else a blank, and its name.
-- removed_at_ms: 0, or when it was removed. From then on nobody finds it, and what belongs to it is removed piece by piece.
CREATE TABLE datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    columns TEXT NOT NULL,
    is_strict INTEGER NOT NULL,
    takes_duplicates INTEGER NOT NULL,
    processing INTEGER NOT NULL,
    volume_bytes BIGINT NOT NULL CHECK (volume_bytes >= 0),
    schedule TEXT NOT NULL,
    due_at_ms BIGINT NOT NULL,
    waiting_files BIGINT NOT NULL DEFAULT 0,
    waiting_bytes BIGINT NOT NULL DEFAULT 0,
    table_bytes BIGINT NOT NULL DEFAULT 0 CHECK (table_bytes >= 0),
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL,
    removed_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX datasets_slug ON datasets (account_id, slug) WHERE removed_at_ms = 0;
CREATE INDEX datasets_account ON datasets (account_id, id);
CREATE INDEX datasets_due ON datasets (due_at_ms, id) WHERE due_at_ms > 0 AND removed_at_ms = 0;
CREATE INDEX datasets_removed ON datasets (id) WHERE removed_at_ms > 0;

-- id is that of the file. The record stays when the file was removed and its rows are in the dataset (removed_at_ms > 0).
CREATE TABLE dataset_files (
    id INTEGER PRIMARY KEY, -- from files
    dataset_id BIGINT NOT NULL REFERENCES datasets (id),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    prefix_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    headers TEXT NOT NULL,
    version TEXT NOT NULL,
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    md5 BLOB NOT NULL CHECK (length(md5) = 16),
    state INTEGER NOT NULL,
    errors TEXT NOT NULL DEFAULT '',
    row_count BIGINT NOT NULL DEFAULT 0,
    duplicate_of BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL,
    processed_at_ms BIGINT NOT NULL DEFAULT 0,
    removed_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX dataset_files_created ON dataset_files (dataset_id, created_at_ms, id);
CREATE INDEX dataset_files_size ON dataset_files (dataset_id, size_bytes, id);
CREATE INDEX dataset_files_name ON dataset_files (dataset_id, name, id);
CREATE INDEX dataset_files_state ON dataset_files (dataset_id, state, id);
CREATE INDEX dataset_files_read ON dataset_files (dataset_id, md5) WHERE state = 3 AND duplicate_of = 0;
CREATE INDEX dataset_files_prefix ON dataset_files (prefix_id, name) WHERE prefix_id > 0;
CREATE INDEX dataset_files_account ON dataset_files (account_id);

CREATE TABLE upload_prefixes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    owner_id BIGINT NOT NULL REFERENCES users (id),
    credential_id BIGINT NOT NULL,
    dataset_id BIGINT NOT NULL REFERENCES datasets (id),
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX upload_prefixes_expire ON upload_prefixes (expires_at_ms, id);
CREATE INDEX upload_prefixes_dataset ON upload_prefixes (dataset_id, id);
