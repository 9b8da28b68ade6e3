/* SPDX-License-Identifier: Apache-2.0 */
/* Writes an archive that a test reads with other programs. Usage: zip-sample FILE many | large
 *   many    70,000 entries of a few bytes
 *   large   one entry of 4 GiB and 5 bytes of zeros, then a small one; the zeros are a hole in the file */
#include "base/zip.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void flush(int fd, struct buf *out)
{
    if (write(fd, out->p, out->n) != (ssize_t)out->n)
        exit(1);
    buf_clear(out);
}

static void small(struct zip *z, struct buf *out, slice name, slice bytes)
{
    zip_entry(z, name, 1795258989000, bytes.n, out);
    buf_add(out, bytes);
    zip_data(z, bytes);
    zip_entry_end(z, out);
}

static void many(struct zip *z, struct buf *out)
{
    for (int i = 0; i < 70000; i++) {
        char name[30];
        snprintf(name, sizeof name, "n%05d.txt", i);
        small(z, out, slice_of(name), slice_of(name));
    }
}

static void large(struct zip *z, struct buf *out, int fd)
{
    static const char zeros[1 << 20];
    uint64_t size = (UINT64_C(4) << 30) + 5;
    zip_entry(z, S("zeros"), 1795258989000, size, out);
    flush(fd, out);
    for (uint64_t left = size; left;) {
        size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;
        zip_data(z, (slice){ zeros, n });
        left -= n;
    }
    if (lseek(fd, (off_t)size, SEEK_CUR) < 0)
        exit(1);
    zip_entry_end(z, out);
    small(z, out, S("behind.txt"), S("behind 4 GiB"));
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return 1;
    struct zip z;
    struct buf out;
    zip_init(&z, NULL);
    buf_init(&out, 0);
    if (strcmp(argv[2], "many") == 0)
        many(&z, &out);
    else
        large(&z, &out, fd);
    zip_end(&z, &out);
    flush(fd, &out);
    zip_release(&z);
    buf_release(&out);
    return close(fd) ? 1 : 0;
}
