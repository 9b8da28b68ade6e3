-- SPDX-License-Identifier: Apache-2.0
-- What a key may do: enum key_role. Keys that were made before may do everything, as they did. The limit leaves room for roles to come.

ALTER TABLE credentials ADD COLUMN role INTEGER NOT NULL DEFAULT 0 CHECK (role BETWEEN 0 AND 31);
