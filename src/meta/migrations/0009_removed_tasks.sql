-- SPDX-License-Identifier: Apache-2.0
-- Tasks that were removed, until the last of their comments, references and files are. Nobody finds such a task any more, and
-- it no longer counts in its account.

CREATE TABLE removed_tasks (
    task_id INTEGER PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
    purge_at_ms BIGINT NOT NULL, -- of the files that nothing else holds
    account_id BIGINT NOT NULL,  -- who removed it, for the audit log
    removed_by BIGINT NOT NULL,
    request_id TEXT NOT NULL
);
