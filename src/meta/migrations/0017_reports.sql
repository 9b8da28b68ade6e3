-- SPDX-License-Identifier: Apache-2.0
-- Programs of clients that report what they do, and the runs that they reported.

CREATE TABLE reporters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    host TEXT NOT NULL,
    system TEXT NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (account_id, name)
);
CREATE INDEX reporters_seen ON reporters (account_id, last_seen_ms, id);
CREATE INDEX reporters_unseen ON reporters (last_seen_ms, id);

-- reporter_id: who may have been forgotten. sender_key: '' or a text that the sender chose, of which there is one record.
CREATE TABLE report_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    reporter_id BIGINT NOT NULL,
    sender_key TEXT NOT NULL,
    state INTEGER NOT NULL,
    details TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX report_runs_key ON report_runs (account_id, sender_key) WHERE sender_key <> '';
CREATE INDEX report_runs_account ON report_runs (account_id, id);
CREATE INDEX report_runs_old ON report_runs (started_at_ms, id);
