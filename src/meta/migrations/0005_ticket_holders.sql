-- SPDX-License-Identifier: Apache-2.0
-- A pending ticket names the holder that its file goes to when it is confirmed, whatever kind of holder that is, instead of
-- a task and a comment. A confirmed ticket names none: then the table holds says what holds the file.

CREATE TABLE new_tickets (
    file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    bucket_id BIGINT NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL CHECK (key <> ''),
    declared_bytes BIGINT NOT NULL CHECK (declared_bytes >= 0),
    expires_at_ms BIGINT NOT NULL,
    confirmed_at_ms BIGINT NOT NULL,
    holder_kind INTEGER NOT NULL, -- 0: none
    holder_id BIGINT NOT NULL,
    UNIQUE (bucket_id, key),
    CHECK (confirmed_at_ms = 0 OR holder_kind = 0)
);
INSERT INTO new_tickets (file_id, bucket_id, key, declared_bytes, expires_at_ms, confirmed_at_ms, holder_kind, holder_id)
SELECT file_id, bucket_id, key, declared_bytes, expires_at_ms, confirmed_at_ms,
    CASE WHEN confirmed_at_ms > 0 OR task_id IS NULL THEN 0 WHEN comment_id IS NULL THEN 1 ELSE 2 END,
    CASE WHEN confirmed_at_ms > 0 OR task_id IS NULL THEN 0 ELSE COALESCE(comment_id, task_id) END
FROM tickets;
DROP TABLE tickets;
ALTER TABLE new_tickets RENAME TO tickets;
CREATE INDEX tickets_holder ON tickets (holder_kind, holder_id, file_id) WHERE holder_kind > 0;
