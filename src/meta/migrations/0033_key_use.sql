-- SPDX-License-Identifier: Apache-2.0
-- When a key was last used, within some minutes; 0: not since this version runs.
ALTER TABLE credentials ADD COLUMN used_at_ms BIGINT NOT NULL DEFAULT 0;
