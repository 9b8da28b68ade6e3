-- SPDX-License-Identifier: Apache-2.0
-- What each account uses, a row a day, and what the lists of an administrator are read by.

-- day: days since 1970 in UTC; at_ms: when the row was last written.
CREATE TABLE account_figures (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    day BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    used_bytes BIGINT NOT NULL,
    used_files BIGINT NOT NULL,
    record_bytes BIGINT NOT NULL,
    garbage_bytes BIGINT NOT NULL,
    max_bytes BIGINT NOT NULL,      -- the account's own limit; 0: it has none
    PRIMARY KEY (account_id, day)
);
CREATE INDEX account_figures_day ON account_figures (day);

-- Who made a key; 0: not known, as of all that were made before.
ALTER TABLE credentials ADD COLUMN creator_id BIGINT NOT NULL DEFAULT 0;
CREATE INDEX credentials_keys ON credentials (account_id, id) WHERE form = 0;
CREATE INDEX credentials_live_keys ON credentials (account_id, id) WHERE form = 0 AND revoked_at_ms = 0;
CREATE INDEX users_administrators ON users (account_id, id) WHERE is_admin = 1 AND state = 0;
CREATE INDEX jobs_account_open ON jobs (account_id, state) WHERE state <> 2;
CREATE INDEX events_account ON events (account_id, id);
