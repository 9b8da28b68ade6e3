/* SPDX-License-Identifier: Apache-2.0 */
/* zlib unzips. No other file names zlib. */
#include "base/gunzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define WINDOW_BITS_GZIP (15 + 16) /* the largest window; no other format than gzip */

struct gunzip {
    z_stream stream;
    uint64_t bytes_in, bytes_out, max_bytes;
    bool is_inside; /* of a member: some of it was read, and not its end */
};

static void *allocate(void *unused, unsigned items, unsigned size)
{
    (void)unused;
    return must_malloc((size_t)items * size);
}

static void release(void *unused, void *p)
{
    (void)unused;
    free(p);
}

struct gunzip *gunzip_new(uint64_t max_bytes)
{
    struct gunzip *z = must_malloc(sizeof *z);
    z->max_bytes = max_bytes;
    z->stream.zalloc = allocate;
    z->stream.zfree = release;
    if (inflateInit2(&z->stream, WINDOW_BITS_GZIP) != Z_OK)
        abort(); /* zlib is another version than its header */
    return z;
}

void gunzip_free(struct gunzip *z)
{
    if (z)
        inflateEnd(&z->stream);
    free(z);
}

static unsigned piece_of(size_t n)
{
    return n < INT_MAX ? (unsigned)n : INT_MAX;
}

/* Unzip some of *in. A member that ends makes room for the next one. False: it is damaged. */
static bool inflate_some(struct gunzip *z, slice *in, char *to, size_t room, size_t *ret_n)
{
    unsigned given = piece_of(in->n), space = piece_of(room);
    z->stream.next_in = (z_const Bytef *)in->p;
    z->stream.avail_in = given;
    z->stream.next_out = (Bytef *)to;
    z->stream.avail_out = space;
    int result = inflate(&z->stream, Z_NO_FLUSH);
    unsigned used = given - z->stream.avail_in;
    *ret_n = space - z->stream.avail_out;
    *in = slice_from(*in, used);
    z->bytes_in += used;
    z->bytes_out += *ret_n;
    z->is_inside |= used > 0;
    if (result == Z_STREAM_END) {
        z->is_inside = false;
        return inflateReset(&z->stream) == Z_OK;
    }
    return result == Z_OK || result == Z_BUF_ERROR; /* the latter: nothing to read, or no room */
}

err_t gunzip_read(struct gunzip *z, slice *in, char *to, size_t room, struct arena *a, size_t *ret_n)
{
    size_t n;
    do {
        if (!inflate_some(z, in, to, room, &n))
            return err_make(a, ERR_INVALID, "the gzip is damaged after %llu bytes", (unsigned long long)z->bytes_in);
        if (z->bytes_out > z->max_bytes)
            return err_make(a, ERR_TOO_LARGE, "the gzip has more than %llu bytes", (unsigned long long)z->max_bytes);
        if (z->bytes_out > GUNZIP_FREE_BYTES && z->bytes_out / GUNZIP_RATIO_MAX > z->bytes_in)
            return err_make(a, ERR_TOO_LARGE, "the gzip grows to more than %d times its size", GUNZIP_RATIO_MAX);
    } while (n == 0 && in->n);
    *ret_n = n;
    return NULL;
}

err_t gunzip_end(const struct gunzip *z, struct arena *a)
{
    return z->is_inside ? err_make(a, ERR_TRUNCATED, "the gzip has no end") : NULL;
}
