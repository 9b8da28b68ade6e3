-- SPDX-License-Identifier: Apache-2.0
-- What long work needs in order to be done in several short writes, and people that are found by their address.

-- Addresses are compared without regard to case (ASCII): lower() changes nothing else, in a database of UTF-8 with byte order.
CREATE INDEX users_login_lower ON users (account_id, lower(login), id) WHERE state <> 2;
CREATE INDEX users_email_lower ON users (account_id, lower(email), id) WHERE state <> 2;

-- Composites that nothing refers to: those that are still being built, and large ones that are being removed. From due_at_ms on
-- they are removed, some of their parts in each write. What is built leaves the list in the write that refers to it.
CREATE TABLE loose_composites (
    object_id BIGINT PRIMARY KEY REFERENCES objects (id),
    due_at_ms BIGINT NOT NULL
);
CREATE INDEX loose_composites_due ON loose_composites (due_at_ms, object_id);

-- composite_id: the composite that is being built of the parts, 0: none. Whoever changes a part sets it to 0.
-- ended_at_ms: 0, or when the upload ended. Nobody finds it any more, and its parts are removed, some in each write.
ALTER TABLE uploads ADD COLUMN composite_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE uploads ADD COLUMN ended_at_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX uploads_ended ON uploads (ended_at_ms, id) WHERE ended_at_ms > 0;
