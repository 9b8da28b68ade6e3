/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives, written from front to back: entries are stored as they are, nothing is ever gone back to. What the CRC
 * of an entry is comes after its bytes, in a data descriptor. Sizes and offsets that do not fit in 32 bits, and more
 * entries than fit in 16, are written in the fields of ZIP64. Names are UTF-8 and marked so.
 *
 *     zip_init ──► (zip_entry ──► zip_data* ──► zip_entry_end)* ──► zip_end ──► zip_release
 *
 * What has to be written is appended to `out`; the bytes of entries are the caller's to write, who shows them to
 * zip_data. Memory: some 80 bytes and the name for each entry, for the directory at the end.
 * Spec: PKWARE APPNOTE.TXT 6.3.10, §4.3 to §4.5. Thread: one at a time. */
#ifndef CAIS_BASE_ZIP_H
#define CAIS_BASE_ZIP_H

#include "base/buf.h"

#include <stdint.h>

struct zip {
    struct buf directory;
    uint64_t written, entries; /* written: bytes of the archive so far */
    /* of the open entry */
    uint64_t start, size_bytes, seen_bytes;
    uint32_t crc, dos_time;
    slice name;
};

void zip_init(struct zip *z);
void zip_release(struct zip *z);
/* Begin an entry of exactly size_bytes. name: 1..65535 bytes of UTF-8, without /, in memory that lives until
 * zip_entry_end. local_ms: when it was made, milliseconds since 1970 by the clock on the wall (zip knows no time
 * zones); before 1980 it becomes that. */
void zip_entry(struct zip *z, slice name, int64_t local_ms, uint64_t size_bytes, struct buf *out);
/* The next bytes of the entry, which the caller writes. */
void zip_data(struct zip *z, slice bytes);
/* All of them were shown: that it is exactly size_bytes is asserted. */
void zip_entry_end(struct zip *z, struct buf *out);
void zip_end(struct zip *z, struct buf *out);

#endif
