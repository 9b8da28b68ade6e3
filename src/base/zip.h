/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives, written from front to back without seeking. Entries are stored without compression. The CRC of an entry
 * follows its bytes, in a data descriptor. Sizes and offsets that do not fit in 32 bits, and a number of entries that
 * does not fit in 16, are written in the fields of ZIP64. Names are UTF-8 and marked as such.
 *
 *     zip_init ──► (zip_entry ──► zip_data* ──► zip_entry_end)* ──► zip_end ──► zip_release
 *
 * Headers and directories are appended to `out`. The caller writes the bytes of the entries itself, and passes them to
 * zip_data. Memory: some 80 bytes and the name for each entry, for the directory at the end. If its account has
 * no room for it, zip_failed says so, and the archive must not be used.
 * Spec: PKWARE APPNOTE.TXT 6.3.10, §4.3 to §4.5. Thread: one at a time. */
#ifndef CAIS_BASE_ZIP_H
#define CAIS_BASE_ZIP_H

#include "base/buf.h"

#include <stdint.h>

struct zip {
    struct buf directory;
    uint64_t written, entries; /* written: bytes of the archive so far */
    /* the open entry */
    uint64_t start, size_bytes, seen_bytes;
    uint32_t crc, dos_time;
    slice name;
};

/* account: of the directory, as in buf_init_on; NULL: none. */
void zip_init(struct zip *z, struct arena *account);
void zip_release(struct zip *z);
/* Begin an entry of exactly size_bytes. name: 1..65535 bytes of UTF-8, without /, which must live until zip_entry_end.
 * local_ms: its time, in milliseconds since 1970 of local time (zip has no time zones); a time before 1980 becomes
 * 1980-01-01. */
void zip_entry(struct zip *z, slice name, int64_t local_ms, uint64_t size_bytes, struct buf *out);
/* Count the next bytes of the entry, which the caller writes to the archive. */
void zip_data(struct zip *z, slice bytes);
/* End the entry. Asserts that zip_data got exactly size_bytes. */
void zip_entry_end(struct zip *z, struct buf *out);
void zip_end(struct zip *z, struct buf *out);
static inline bool zip_failed(const struct zip *z)
{
    return z->directory.failed;
}

#endif
