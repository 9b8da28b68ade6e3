-- SPDX-License-Identifier: Apache-2.0
-- Imports of sync files, and the sets of records that they fill.

-- The last import that was asked for (core/records/sync_file.h); import_number 0: none was. form: 1 more than enum sync_form.
ALTER TABLE sync_files ADD COLUMN import_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN job_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN form INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN may_delete INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN data_source TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_files ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_files ADD COLUMN queued_at_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN started_at_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN finished_at_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN row_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN row_done BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN row_inserted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN row_updated BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN row_deleted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_files ADD COLUMN row_failed BIGINT NOT NULL DEFAULT 0;
-- What the row of sync_reports takes.
ALTER TABLE sync_files ADD COLUMN report_bytes BIGINT NOT NULL DEFAULT 0;

-- Those that an import works on: core/sync/sync_file.h.
CREATE INDEX sync_files_state ON sync_files (state, id);

-- What the last import found wrong, and what it did. Apart from sync_files, so that lists of files do not read it.
CREATE TABLE sync_reports (
    sync_file_id INTEGER PRIMARY KEY REFERENCES sync_files (id),
    errors TEXT NOT NULL,
    notes TEXT NOT NULL
);

-- The records are in the record store, under the id of their set. bytes: what they take there.
CREATE TABLE record_sets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    section_id BIGINT NOT NULL REFERENCES sections (id),
    data_source TEXT NOT NULL,
    bytes BIGINT NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (section_id, data_source)
);
CREATE INDEX record_sets_account ON record_sets (account_id);

CREATE INDEX entities_type ON entities (account_id, type);

-- Within an account, the groups of jobs take turns (core/store/job_store.h).
ALTER TABLE jobs ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (kind, state, account_id, turn, run_at_ms, id);
CREATE INDEX jobs_waiting_due ON jobs (kind, state, account_id, run_at_ms);
