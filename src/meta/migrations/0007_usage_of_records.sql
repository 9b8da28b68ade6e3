-- SPDX-License-Identifier: Apache-2.0
-- Accounts count everything that they make the server keep: 256 bytes for each record, and its texts. What exists is counted
-- here once, in one pass over each table.

ALTER TABLE accounts ADD COLUMN record_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN pending_files BIGINT NOT NULL DEFAULT 0; -- that were issued and have no bytes yet
ALTER TABLE accounts ADD COLUMN open_uploads BIGINT NOT NULL DEFAULT 0;

UPDATE accounts SET record_bytes = c.records, pending_files = c.pending, open_uploads = c.uploads FROM (
    SELECT account_id, SUM(records) AS records, SUM(pending) AS pending, SUM(uploads) AS uploads FROM (
        SELECT account_id, SUM(256 + LENGTH(CAST(way AS BLOB)) + LENGTH(CAST(name AS BLOB)) +
            LENGTH(CAST(content_type AS BLOB))) AS records, COUNT(*) - COUNT(object_id) AS pending, 0 AS uploads
            FROM files GROUP BY account_id
        UNION ALL SELECT f.account_id, SUM(256 + LENGTH(CAST(k.key AS BLOB))), 0, 0
            FROM tickets k JOIN files f ON f.id = k.file_id GROUP BY f.account_id
        UNION ALL SELECT account_id, SUM(256 + LENGTH(CAST(name AS BLOB)) + LENGTH(CAST(cors AS BLOB))), 0, 0
            FROM buckets WHERE account_id IS NOT NULL GROUP BY account_id
        UNION ALL SELECT b.account_id, SUM(256 * (1 + e.part_count) + LENGTH(CAST(e.key AS BLOB)) +
            LENGTH(CAST(e.upload AS BLOB)) + LENGTH(CAST(e.headers AS BLOB)) + LENGTH(CAST(e.tags AS BLOB))), 0, 0
            FROM buckets b JOIN entries e ON e.bucket_id = b.id WHERE b.account_id IS NOT NULL GROUP BY b.account_id
        UNION ALL SELECT account_id, SUM(256 + LENGTH(CAST(name AS BLOB)) + LENGTH(CAST(key AS BLOB)) +
            LENGTH(CAST(headers AS BLOB)) + LENGTH(CAST(tags AS BLOB))), 0, COUNT(*)
            FROM uploads WHERE ended_at_ms = 0 GROUP BY account_id
        UNION ALL SELECT u.account_id, COUNT(*) * 256, 0, 0
            FROM uploads u JOIN upload_parts p ON p.upload_id = u.id WHERE u.ended_at_ms = 0
            GROUP BY u.account_id
        UNION ALL SELECT account_id, SUM(256 + LENGTH(CAST(text AS BLOB)) + LENGTH(CAST(subject AS BLOB)) +
            LENGTH(CAST(details AS BLOB))), 0, 0 FROM tasks GROUP BY account_id
        UNION ALL SELECT t.account_id, COUNT(*) * 256, 0, 0
            FROM tasks t JOIN task_members m ON m.task_id = t.id GROUP BY t.account_id
        UNION ALL SELECT t.account_id, SUM(256 + LENGTH(CAST(c.text AS BLOB)) + LENGTH(CAST(c.details AS BLOB))), 0, 0
            FROM comments c JOIN tasks t ON t.id = c.task_id GROUP BY t.account_id
        UNION ALL SELECT account_id, SUM(256 + LENGTH(CAST(url AS BLOB)) + LENGTH(CAST(name AS BLOB))), 0, 0
            FROM refs GROUP BY account_id
    ) counted GROUP BY account_id
) c WHERE c.account_id = accounts.id;
