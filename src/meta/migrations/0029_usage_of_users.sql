-- SPDX-License-Identifier: Apache-2.0
-- Users count the bytes and files that they own, and may have limits of their own. What exists is counted here once, in one pass
-- over each table.

ALTER TABLE users ADD COLUMN max_bytes BIGINT NOT NULL DEFAULT 0 CHECK (max_bytes >= 0);
ALTER TABLE users ADD COLUMN max_files BIGINT NOT NULL DEFAULT 0 CHECK (max_files >= 0);
ALTER TABLE users ADD COLUMN used_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN used_files BIGINT NOT NULL DEFAULT 0;

UPDATE users SET used_bytes = c.bytes, used_files = c.files FROM (
    SELECT owner_id, SUM(bytes) AS bytes, SUM(files) AS files FROM (
        SELECT owner_id, SUM(CASE WHEN object_id IS NULL THEN 0 ELSE size_bytes END) AS bytes, COUNT(object_id) AS files
            FROM files GROUP BY owner_id
        UNION ALL SELECT e.owner_id, SUM(e.size_bytes), COUNT(*)
            FROM buckets b JOIN entries e ON e.bucket_id = b.id WHERE b.account_id IS NOT NULL GROUP BY e.owner_id
        UNION ALL SELECT u.owner_id, SUM(p.size_bytes), 0
            FROM uploads u JOIN upload_parts p ON p.upload_id = u.id WHERE u.ended_at_ms = 0 GROUP BY u.owner_id
        UNION ALL SELECT owner_id, SUM(CASE WHEN finished_at_ms > 0 AND is_part = 0 THEN 0 ELSE offset_bytes END), 0
            FROM transfers GROUP BY owner_id
    ) counted GROUP BY owner_id
) c WHERE c.owner_id = users.id;
