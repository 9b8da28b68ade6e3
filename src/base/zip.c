/* SPDX-License-Identifier: Apache-2.0 */
/* An entry needs ZIP64 when its size, or the place where it begins, does not fit in 32 bits. Its size is known before
 * its first byte, so the descriptor's width is settled in the local header, as readers expect it (APPNOTE §4.3.9.2). */
#include "base/zip.h"

#include "base/crc.h"

#include <assert.h>
#include <time.h>

enum {
    LOCAL_HEADER = 0x04034b50,
    DESCRIPTOR = 0x08074b50,
    CENTRAL_HEADER = 0x02014b50,
    END = 0x06054b50,
    END64 = 0x06064b50,
    END64_LOCATOR = 0x07064b50,
    ZIP64_EXTRA = 1,
    VERSION = 20,
    VERSION_ZIP64 = 45,
    MADE_BY_UNIX = 3 << 8,
    FLAGS = 1 << 3 | 1 << 11, /* a data descriptor follows; the name is UTF-8 */
    END64_REST = 44           /* of the record, behind its length */
};
#define REGULAR_FILE (UINT32_C(0100644) << 16)
#define TOO_LARGE_32 UINT32_C(0xffffffff)
#define DOS_EPOCH_MS INT64_C(315532800000) /* 1980-01-01 */

static void put(struct buf *b, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add_byte(b, (char)(value >> (8 * i)));
}

static uint64_t fit32(uint64_t value, bool zip64)
{
    return zip64 ? TOO_LARGE_32 : value;
}

/* Date above time, two seconds exact (APPNOTE §4.4.6). */
static uint32_t dos_time(int64_t local_ms)
{
    time_t t = (time_t)((local_ms < DOS_EPOCH_MS ? DOS_EPOCH_MS : local_ms) / 1000);
    struct tm tm;
    gmtime_r(&t, &tm);
    unsigned year = tm.tm_year > 207 ? 127 : (unsigned)tm.tm_year - 80;
    unsigned date = year << 9 | ((unsigned)tm.tm_mon + 1) << 5 | (unsigned)tm.tm_mday;
    return date << 16 | (unsigned)tm.tm_hour << 11 | (unsigned)tm.tm_min << 5 | (unsigned)tm.tm_sec / 2;
}

void zip_init(struct zip *z)
{
    *z = (struct zip){ .written = 0 };
    buf_init(&z->directory, 0);
}

void zip_release(struct zip *z)
{
    buf_release(&z->directory);
}

static bool is_large(const struct zip *z)
{
    return z->size_bytes >= TOO_LARGE_32;
}

void zip_entry(struct zip *z, slice name, int64_t local_ms, uint64_t size_bytes, struct buf *out)
{
    assert(name.n > 0 && name.n <= UINT16_MAX);
    size_t before = out->n;
    z->start = z->written;
    z->size_bytes = size_bytes;
    z->seen_bytes = 0;
    z->crc = 0;
    z->dos_time = dos_time(local_ms);
    z->name = name;
    bool large = is_large(z);
    put(out, LOCAL_HEADER, 4);
    put(out, large ? VERSION_ZIP64 : VERSION, 2);
    put(out, FLAGS, 2);
    put(out, 0, 2); /* stored */
    put(out, z->dos_time, 4);
    put(out, 0, 4); /* CRC: in the descriptor */
    put(out, fit32(0, large), 4);
    put(out, fit32(0, large), 4);
    put(out, name.n, 2);
    put(out, large ? 20 : 0, 2);
    buf_add(out, name);
    if (large) {
        put(out, ZIP64_EXTRA, 2);
        put(out, 16, 2);
        put(out, 0, 8);
        put(out, 0, 8);
    }
    z->written += out->n - before;
}

void zip_data(struct zip *z, slice bytes)
{
    z->crc = crc32_update(z->crc, bytes);
    z->seen_bytes += bytes.n;
    z->written += bytes.n;
}

static void note_in_directory(struct zip *z)
{
    struct buf *d = &z->directory;
    bool large = is_large(z), far = z->start >= TOO_LARGE_32;
    unsigned extra = (large ? 16 : 0) + (far ? 8 : 0);
    unsigned version = extra ? VERSION_ZIP64 : VERSION;
    put(d, CENTRAL_HEADER, 4);
    put(d, MADE_BY_UNIX | version, 2);
    put(d, version, 2);
    put(d, FLAGS, 2);
    put(d, 0, 2);
    put(d, z->dos_time, 4);
    put(d, z->crc, 4);
    put(d, fit32(z->size_bytes, large), 4);
    put(d, fit32(z->size_bytes, large), 4);
    put(d, z->name.n, 2);
    put(d, extra ? extra + 4 : 0, 2);
    put(d, 0, 2); /* comment */
    put(d, 0, 2); /* disk */
    put(d, 0, 2);
    put(d, REGULAR_FILE, 4);
    put(d, fit32(z->start, far), 4);
    buf_add(d, z->name);
    if (extra) {
        put(d, ZIP64_EXTRA, 2);
        put(d, extra, 2);
    }
    if (large) {
        put(d, z->size_bytes, 8);
        put(d, z->size_bytes, 8);
    }
    if (far)
        put(d, z->start, 8);
}

void zip_entry_end(struct zip *z, struct buf *out)
{
    assert(z->seen_bytes == z->size_bytes);
    size_t before = out->n;
    int width = is_large(z) ? 8 : 4;
    put(out, DESCRIPTOR, 4);
    put(out, z->crc, 4);
    put(out, z->size_bytes, width);
    put(out, z->size_bytes, width);
    note_in_directory(z);
    z->entries++;
    z->written += out->n - before;
}

void zip_end(struct zip *z, struct buf *out)
{
    uint64_t start = z->written, length = z->directory.n;
    bool many = z->entries >= UINT16_MAX, far = start >= TOO_LARGE_32 || length >= TOO_LARGE_32;
    buf_add(out, buf_slice(&z->directory));
    if (many || far) {
        put(out, END64, 4);
        put(out, END64_REST, 8);
        put(out, MADE_BY_UNIX | VERSION_ZIP64, 2);
        put(out, VERSION_ZIP64, 2);
        put(out, 0, 4); /* this disk */
        put(out, 0, 4); /* disk of the directory */
        put(out, z->entries, 8);
        put(out, z->entries, 8);
        put(out, length, 8);
        put(out, start, 8);
        put(out, END64_LOCATOR, 4);
        put(out, 0, 4);
        put(out, start + length, 8);
        put(out, 1, 4); /* disks */
    }
    put(out, END, 4);
    put(out, 0, 2);
    put(out, 0, 2);
    put(out, many ? UINT16_MAX : z->entries, 2);
    put(out, many ? UINT16_MAX : z->entries, 2);
    put(out, fit32(length, far), 4);
    put(out, fit32(start, far), 4);
    put(out, 0, 2); /* comment */
}
