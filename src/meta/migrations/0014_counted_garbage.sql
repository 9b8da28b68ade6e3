-- SPDX-License-Identifier: Apache-2.0
-- Accounts count the bytes that they gave up and that are still on the disk: those on the garbage list, and large composites that
-- are being made or removed. The sizes of keys that are on the list already are not known; they count 0 for the hour that is left
-- to them.

ALTER TABLE garbage ADD COLUMN account_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE garbage ADD COLUMN size_bytes BIGINT NOT NULL DEFAULT 0;

ALTER TABLE accounts ADD COLUMN garbage_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE accounts SET garbage_bytes = COALESCE((SELECT SUM(o.size_bytes) FROM loose_composites l
    JOIN objects o ON o.id = l.object_id WHERE o.account_id = accounts.id), 0);
