/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files, and over the files in directories, without libFuzzer and clang, so that inputs which
 * fuzzing found become tests. Fails when there is no input. */
#include "fuzz.h"

#include "base/buf.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static bool run_file(const char *path)
{
    SCOPED(buf_releasep) struct buf bytes;
    buf_init(&bytes, 0);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    for (size_t got = 1; got;) {
        char *at = buf_reserve(&bytes, 65536);
        got = fread(at, 1, 65536, f);
        bytes.n += got;
    }
    fclose(f);
    /* A copy of the exact size, so that the address sanitizer detects a read past the end. */
    uint8_t *exact = must_malloc(bytes.n);
    if (bytes.n)
        memcpy(exact, bytes.p, bytes.n);
    LLVMFuzzerTestOneInput(exact, bytes.n);
    free(exact);
    return true;
}

static size_t run_directory(DIR *dir, const char *path)
{
    SCRATCH(scratch);
    size_t ran = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            ran += run_file(arena_printf(&scratch, "%s/%s", path, entry->d_name).p);
    return ran;
}

int main(int argc, char **argv)
{
    size_t ran = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        ran += dir ? run_directory(dir, argv[i]) : run_file(argv[i]);
        if (dir)
            closedir(dir);
    }
    printf("%zu inputs\n", ran);
    return ran ? 0 : 1;
}
