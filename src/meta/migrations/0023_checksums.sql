-- SPDX-License-Identifier: Apache-2.0
-- Checksums of stored bytes, with which each read is checked (core/object/checksums.h).

-- Those of inline_bytes. NULL: the object is older than they are, or its bytes are a blob.
ALTER TABLE objects ADD COLUMN checksums BLOB;

-- Those of a blob, also of one that is still growing: row `number` has up to 4096 of them, of the 256 MiB from number * 256 MiB on.
-- A blob that is older has no rows until the scrub has read it.
CREATE TABLE blob_checksums (
    blob_key TEXT NOT NULL,
    number BIGINT NOT NULL,
    checksums BLOB NOT NULL,
    PRIMARY KEY (blob_key, number)
) WITHOUT ROWID;

-- How far the scrub has come (core/object/scrub.h). It has one row.
CREATE TABLE scrub (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    begun_at_ms BIGINT NOT NULL,
    after_id BIGINT NOT NULL,
    done_bytes BIGINT NOT NULL,
    damaged BIGINT NOT NULL,
    is_done INTEGER NOT NULL
);
