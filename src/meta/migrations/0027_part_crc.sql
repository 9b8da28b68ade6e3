-- SPDX-License-Identifier: Apache-2.0
-- The CRC-64/NVME of a part of an upload that declares no checksum: that of the object is worked out of those of its parts. Parts
-- that were put before have none.
ALTER TABLE upload_parts ADD COLUMN crc64 BLOB CHECK (length(crc64) = 8);
