-- SPDX-License-Identifier: Apache-2.0
-- Jobs that are claimed with a lease, cancelled, retried, and ordered by group and account. The table is made anew,
-- because state may have another value.

CREATE TABLE jobs_new (
    id BIGINT PRIMARY KEY,              -- from next_ids; ascending in the order in which jobs are added
    kind TEXT NOT NULL CHECK (kind <> ''),
    subject TEXT NOT NULL,              -- empty: the periodic job of its kind
    account_id BIGINT NOT NULL,         -- 0: the server's own
    group_key TEXT NOT NULL,            -- empty: no group
    payload TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),   -- enum job_state
    created_at_ms BIGINT NOT NULL,
    run_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    finished_at_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    progress BIGINT NOT NULL,
    total BIGINT NOT NULL,
    checkpoint TEXT NOT NULL,
    result TEXT NOT NULL,
    error TEXT NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    cancel_at_ms BIGINT NOT NULL,
    CHECK ((state = 1) = (lease_owner <> ''))
);
-- A job that was RUNNING has no worker any more. A periodic job is always one that waits.
INSERT INTO jobs_new (id, kind, subject, account_id, group_key, payload, state, created_at_ms, run_at_ms, started_at_ms,
    finished_at_ms, attempts, progress, total, checkpoint, result, error, lease_owner, lease_until_ms, cancel_at_ms)
    SELECT id, kind, subject, 0, '', '', CASE WHEN state = 1 OR subject = '' THEN 0 ELSE state END, 0, run_at_ms,
        started_at_ms, finished_at_ms, attempts, progress, total, '', '', error, '', 0, 0 FROM jobs;
INSERT INTO next_ids (kind, next_id) SELECT 'jobs', COALESCE(MAX(id), 0) + 1 FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_new RENAME TO jobs;

CREATE UNIQUE INDEX jobs_periodic ON jobs (kind) WHERE subject = '';
-- Of a group, one job runs at a time.
CREATE UNIQUE INDEX jobs_group_runs ON jobs (group_key) WHERE group_key <> '' AND state = 1;
CREATE INDEX jobs_group ON jobs (group_key, id) WHERE group_key <> '' AND state <= 1;
CREATE INDEX jobs_waiting ON jobs (kind, state, account_id, run_at_ms, id);
CREATE INDEX jobs_served ON jobs (kind, account_id, started_at_ms);
CREATE INDEX jobs_finished ON jobs (finished_at_ms, id) WHERE state >= 2;
