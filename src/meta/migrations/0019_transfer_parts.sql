-- SPDX-License-Identifier: Apache-2.0
-- Uploads that are made of others, and digests of whole uploads.

-- composition: how the sender named the parts. digest_state: the running digest (base/hash_state.h) that the sender asked for;
-- digest_expected: what it must be in the end, if the sender said so.
ALTER TABLE transfers ADD COLUMN is_composed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE transfers ADD COLUMN composition TEXT NOT NULL DEFAULT '';
ALTER TABLE transfers ADD COLUMN digest_state BLOB;
ALTER TABLE transfers ADD COLUMN digest_expected BLOB;

-- The parts of uploads that are not finished. The same part may be there several times.
CREATE TABLE transfer_parts (
    transfer_id BIGINT NOT NULL REFERENCES transfers (id),
    position INTEGER NOT NULL,
    part_id BIGINT NOT NULL REFERENCES transfers (id),
    PRIMARY KEY (transfer_id, position)
);
CREATE INDEX transfer_parts_part ON transfer_parts (part_id);
