/* SPDX-License-Identifier: Apache-2.0 */
/* An entry needs ZIP64 when its size or its offset does not fit in 32 bits. Its size is known before its first byte, so
 * the local header determines the width of the descriptor's fields, as readers expect (APPNOTE §4.3.9.2). */
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
    END64_REST = 44           /* bytes of the record after its length field */
};
#define REGULAR_FILE (UINT32_C(0100644) << 16)
#define TOO_LARGE_32 UINT32_C(0xffffffff)
#define DOS_EPOCH_MS INT64_C(315532800000) /* 1980-01-01 */

static void add_little_endian(struct buf *b, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_add_byte(b, (char)(value >> (8 * i)));
}

static uint64_t fit_32_bits(uint64_t value, bool zip64)
{
    return zip64 ? TOO_LARGE_32 : value;
}

/* The date in the upper half, the time in the lower, with a resolution of two seconds (APPNOTE §4.4.6). */
static uint32_t to_dos_time(int64_t local_ms)
{
    time_t t = (time_t)((local_ms < DOS_EPOCH_MS ? DOS_EPOCH_MS : local_ms) / 1000);
    struct tm tm;
    gmtime_r(&t, &tm);
    unsigned year = tm.tm_year > 207 ? 127 : (unsigned)tm.tm_year - 80;
    unsigned date = year << 9 | ((unsigned)tm.tm_mon + 1) << 5 | (unsigned)tm.tm_mday;
    return date << 16 | (unsigned)tm.tm_hour << 11 | (unsigned)tm.tm_min << 5 | (unsigned)tm.tm_sec / 2;
}

void zip_init(struct zip *z, struct arena *account)
{
    *z = (struct zip){ .written = 0 };
    buf_init_on(&z->directory, 0, account);
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
    z->dos_time = to_dos_time(local_ms);
    z->name = name;
    bool large = is_large(z);
    add_little_endian(out, LOCAL_HEADER, 4);
    add_little_endian(out, large ? VERSION_ZIP64 : VERSION, 2);
    add_little_endian(out, FLAGS, 2);
    add_little_endian(out, 0, 2); /* stored */
    add_little_endian(out, z->dos_time, 4);
    add_little_endian(out, 0, 4); /* CRC: in the descriptor */
    add_little_endian(out, fit_32_bits(0, large), 4);
    add_little_endian(out, fit_32_bits(0, large), 4);
    add_little_endian(out, name.n, 2);
    add_little_endian(out, large ? 20 : 0, 2);
    buf_add(out, name);
    if (large) {
        add_little_endian(out, ZIP64_EXTRA, 2);
        add_little_endian(out, 16, 2);
        add_little_endian(out, 0, 8);
        add_little_endian(out, 0, 8);
    }
    z->written += out->n - before;
}

void zip_data(struct zip *z, slice bytes)
{
    z->crc = crc32_update(z->crc, bytes);
    z->seen_bytes += bytes.n;
    z->written += bytes.n;
}

static void add_directory_entry(struct zip *z)
{
    struct buf *d = &z->directory;
    bool large = is_large(z), far = z->start >= TOO_LARGE_32;
    unsigned extra = (large ? 16 : 0) + (far ? 8 : 0);
    unsigned version = extra ? VERSION_ZIP64 : VERSION;
    add_little_endian(d, CENTRAL_HEADER, 4);
    add_little_endian(d, MADE_BY_UNIX | version, 2);
    add_little_endian(d, version, 2);
    add_little_endian(d, FLAGS, 2);
    add_little_endian(d, 0, 2);
    add_little_endian(d, z->dos_time, 4);
    add_little_endian(d, z->crc, 4);
    add_little_endian(d, fit_32_bits(z->size_bytes, large), 4);
    add_little_endian(d, fit_32_bits(z->size_bytes, large), 4);
    add_little_endian(d, z->name.n, 2);
    add_little_endian(d, extra ? extra + 4 : 0, 2);
    add_little_endian(d, 0, 2); /* comment */
    add_little_endian(d, 0, 2); /* disk */
    add_little_endian(d, 0, 2);
    add_little_endian(d, REGULAR_FILE, 4);
    add_little_endian(d, fit_32_bits(z->start, far), 4);
    buf_add(d, z->name);
    if (extra) {
        add_little_endian(d, ZIP64_EXTRA, 2);
        add_little_endian(d, extra, 2);
    }
    if (large) {
        add_little_endian(d, z->size_bytes, 8);
        add_little_endian(d, z->size_bytes, 8);
    }
    if (far)
        add_little_endian(d, z->start, 8);
}

void zip_entry_end(struct zip *z, struct buf *out)
{
    assert(z->seen_bytes == z->size_bytes);
    size_t before = out->n;
    int width = is_large(z) ? 8 : 4;
    add_little_endian(out, DESCRIPTOR, 4);
    add_little_endian(out, z->crc, 4);
    add_little_endian(out, z->size_bytes, width);
    add_little_endian(out, z->size_bytes, width);
    add_directory_entry(z);
    z->entries++;
    z->written += out->n - before;
}

void zip_end(struct zip *z, struct buf *out)
{
    uint64_t start = z->written, length = z->directory.n;
    bool many = z->entries >= UINT16_MAX, far = start >= TOO_LARGE_32 || length >= TOO_LARGE_32;
    buf_add(out, buf_slice(&z->directory));
    if (many || far) {
        add_little_endian(out, END64, 4);
        add_little_endian(out, END64_REST, 8);
        add_little_endian(out, MADE_BY_UNIX | VERSION_ZIP64, 2);
        add_little_endian(out, VERSION_ZIP64, 2);
        add_little_endian(out, 0, 4); /* this disk */
        add_little_endian(out, 0, 4); /* disk of the directory */
        add_little_endian(out, z->entries, 8);
        add_little_endian(out, z->entries, 8);
        add_little_endian(out, length, 8);
        add_little_endian(out, start, 8);
        add_little_endian(out, END64_LOCATOR, 4);
        add_little_endian(out, 0, 4);
        add_little_endian(out, start + length, 8);
        add_little_endian(out, 1, 4); /* disks */
    }
    add_little_endian(out, END, 4);
    add_little_endian(out, 0, 2);
    add_little_endian(out, 0, 2);
    add_little_endian(out, many ? UINT16_MAX : z->entries, 2);
    add_little_endian(out, many ? UINT16_MAX : z->entries, 2);
    add_little_endian(out, fit_32_bits(length, far), 4);
    add_little_endian(out, fit_32_bits(start, far), 4);
    add_little_endian(out, 0, 2); /* comment */
}
