-- SPDX-License-Identifier: Apache-2.0
-- Uploads whose bytes come in several requests.

-- md5: the running digest of the first offset_bytes bytes (core/records/transfer.h).
CREATE TABLE transfers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    owner_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    blob_key TEXT NOT NULL UNIQUE,
    length_bytes BIGINT NOT NULL CHECK (length_bytes >= -1),
    offset_bytes BIGINT NOT NULL DEFAULT 0 CHECK (offset_bytes >= 0),
    md5 BLOB NOT NULL,
    holder_kind INTEGER NOT NULL,
    holder_id BIGINT NOT NULL,
    is_part INTEGER NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    writer TEXT NOT NULL DEFAULT '',
    writer_until_ms BIGINT NOT NULL DEFAULT 0,
    finished_at_ms BIGINT NOT NULL DEFAULT 0,
    file_uuid BLOB
);
CREATE INDEX transfers_owner ON transfers (owner_id, id);
CREATE INDEX transfers_account ON transfers (account_id);
CREATE INDEX transfers_expire ON transfers (expires_at_ms, id);
