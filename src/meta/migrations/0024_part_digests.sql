-- SPDX-License-Identifier: Apache-2.0
-- The digest of each part of a composite, which the sender of the part declared or asked for: kind and bytes as in upload_parts.
-- Composites that were made before have none.
ALTER TABLE object_parts ADD COLUMN checksum_kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE object_parts ADD COLUMN checksum BLOB;
