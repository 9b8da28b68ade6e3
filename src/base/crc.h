/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums that detect damage, not forgery. Each call continues from the checksum so far, which begins at 0.
 *
 *     uint32_t crc = 0;
 *     crc = crc32_update(crc, first);
 *     crc = crc32_update(crc, second);        equals the checksum of both in one piece */
#ifndef CAIS_BASE_CRC_H
#define CAIS_BASE_CRC_H

#include "base/slice.h"

uint32_t crc32_update(uint32_t crc, slice bytes);     /* ISO 3309, of zip, gzip and PNG */
uint32_t crc32c_update(uint32_t crc, slice bytes);    /* Castagnoli, RFC 3720 §B.4 */
uint64_t crc64nvme_update(uint64_t crc, slice bytes); /* NVM Express command set 1.0d §5.2.1.3.4 */

/* The checksum of two concatenated pieces, computed from the checksums of both; the second is second_bytes long. */
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t second_bytes);
uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_bytes);
uint64_t crc64nvme_join(uint64_t first, uint64_t second, uint64_t second_bytes);

#endif
