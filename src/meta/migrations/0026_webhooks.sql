-- SPDX-License-Identifier: Apache-2.0
-- Addresses that are told of changes, and what they are to be told: a row for each, written with the change itself.

CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    user_id BIGINT NOT NULL,            -- whom it tells of what reaches that user; 0: of the account
    format TEXT NOT NULL,               -- whose messages it gets
    url TEXT NOT NULL,
    events TEXT NOT NULL,               -- beginnings of actions, with blanks between them
    sealed_secret BLOB NOT NULL,
    created_at_ms BIGINT NOT NULL,
    waiting BIGINT NOT NULL,            -- deliveries whose state is 0
    dropped BIGINT NOT NULL             -- events that came while too many waited
);
CREATE INDEX webhooks_account ON webhooks (account_id, id);
CREATE INDEX webhooks_waiting ON webhooks (id) WHERE waiting > 0;

CREATE TABLE webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id BIGINT NOT NULL REFERENCES webhooks (id),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),   -- enum delivery_state
    happened_at_ms BIGINT NOT NULL,
    actor_id BIGINT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    request_id TEXT NOT NULL,
    data TEXT NOT NULL,                 -- JSON: what the subject was then; empty: not known
    attempts BIGINT NOT NULL,
    next_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT NOT NULL,        -- 0: it waits
    status BIGINT NOT NULL,             -- of the last answer; 0: there was none
    error TEXT NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at_ms, id) WHERE state = 0;
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (next_at_ms) WHERE state = 0;
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at_ms, id) WHERE state > 0;
