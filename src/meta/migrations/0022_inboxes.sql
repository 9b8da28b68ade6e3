-- SPDX-License-Identifier: Apache-2.0
-- The folder that a section of a workspace shows, and keys of which the server knows the public half alone.

-- section_id: the transfer is a file in the inbox of that section, called file_name.
ALTER TABLE transfers ADD COLUMN section_id BIGINT REFERENCES sections (id);
CREATE UNIQUE INDEX transfers_section ON transfers (section_id, file_name) WHERE section_id IS NOT NULL;

-- The folders of an inbox. Sync files that came otherwise are in none.
CREATE INDEX sync_files_import ON sync_files (section_id, name, id DESC) WHERE way IN (1, 2) AND state IN (1, 2, 3);
CREATE INDEX sync_files_done ON sync_files (section_id, name, id DESC) WHERE way IN (1, 2) AND state IN (4, 5);
CREATE INDEX sync_files_failed ON sync_files (section_id, name, id DESC) WHERE way IN (1, 2) AND state IN (6);

-- The fingerprint of a public key; empty for other credentials.
ALTER TABLE credentials ADD COLUMN public_key TEXT NOT NULL DEFAULT '';
CREATE INDEX credentials_public_key ON credentials (user_id, public_key) WHERE public_key <> '';
