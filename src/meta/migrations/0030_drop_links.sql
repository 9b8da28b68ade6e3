-- SPDX-License-Identifier: Apache-2.0
-- Links by which people without an account upload: limits and counts, and which files came by them.

-- id: that of its key.
CREATE TABLE drop_links (
    id BIGINT PRIMARY KEY REFERENCES credentials (id),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    label TEXT NOT NULL,
    max_files BIGINT NOT NULL,
    max_bytes BIGINT NOT NULL,
    max_file_bytes BIGINT NOT NULL,
    files BIGINT NOT NULL CHECK (files BETWEEN 0 AND max_files),
    bytes BIGINT NOT NULL CHECK (bytes BETWEEN 0 AND max_bytes)
);
CREATE INDEX drop_links_user ON drop_links (user_id, id);
CREATE INDEX drop_links_account ON drop_links (account_id, id);

CREATE TABLE drop_link_files (
    file_id BIGINT PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    link_id BIGINT NOT NULL
);
CREATE INDEX drop_link_files_link ON drop_link_files (link_id, file_id);

-- By which link the transfer comes; 0: by none.
ALTER TABLE transfers ADD COLUMN link_id BIGINT NOT NULL DEFAULT 0;
CREATE INDEX transfers_own ON transfers (owner_id, id) WHERE link_id = 0;
