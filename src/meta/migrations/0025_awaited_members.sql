-- SPDX-License-Identifier: Apache-2.0
-- Members of tasks who are named, and whom the account does not have yet: they become members when they are added to it.
-- name_key: the name with the case of its letters folded; account_id: of the task.
CREATE TABLE awaited_members (
    task_id BIGINT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    name_key TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    roles INTEGER NOT NULL CHECK (roles BETWEEN 1 AND 7),
    PRIMARY KEY (task_id, name_key)
);
CREATE INDEX awaited_members_name ON awaited_members (account_id, name_key, task_id);
