-- SPDX-License-Identifier: Apache-2.0
-- What holds on to files becomes a table of its own, whatever the holder is. Until here, only references of tasks and
-- comments held files.

-- A file is not purged while a row here names it. holder_kind is a number of core/records/holders.def; holder_id is the
-- holder's id in its own table. There is no foreign key to holders, because each kind has a table of its own.
CREATE TABLE holds (
    file_id BIGINT NOT NULL REFERENCES files (id),
    holder_kind INTEGER NOT NULL CHECK (holder_kind > 0),
    holder_id BIGINT NOT NULL,
    PRIMARY KEY (file_id, holder_kind, holder_id)
);
CREATE INDEX holds_holder ON holds (holder_kind, holder_id, file_id);

-- Holders that were removed and whose holds are still to be released, piece by piece.
CREATE TABLE ended_holders (
    holder_kind INTEGER NOT NULL CHECK (holder_kind > 0),
    holder_id BIGINT NOT NULL,
    purge_at_ms BIGINT NOT NULL, -- of the files that nothing else holds
    account_id BIGINT NOT NULL,  -- who removed the holder, for the audit log
    ended_by BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    PRIMARY KEY (holder_kind, holder_id)
);

-- 1 is a task, 2 a comment.
INSERT INTO holds (file_id, holder_kind, holder_id)
SELECT DISTINCT file_id, CASE WHEN comment_id IS NULL THEN 1 ELSE 2 END, COALESCE(comment_id, task_id)
FROM refs WHERE file_id IS NOT NULL;

-- kept: the file stays READY when its last holder releases it. Until here such a file had the largest purge_at_ms while
-- references held it, and could not be told from others while nothing held it.
ALTER TABLE files ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
UPDATE files SET kept = 1, purge_at_ms = 0 WHERE purge_at_ms = 9223372036854775807;
UPDATE files SET kept = 1
WHERE state = 2 AND purge_at_ms = 0 AND kept = 0 AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.file_id = files.id);
