/* SPDX-License-Identifier: Apache-2.0 */
/* MiB/s of MD5 on one core, by kind of code and number of streams: `ninja -C build bench/md5-speed &&
 * build/bench/md5-speed`. The first line is one stream of OpenSSL, for comparison. The numbers are CPU time, the best of
 * several attempts. The pieces have the size in which uploads deliver them. */
#include "base/md5.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECE ((size_t)128 * 1024)
#define TURN ((size_t)8 * 1024)
#define TRIES 5
#define PIECES_A_TRY 100
#define MIB 1048576.0

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hash_in_lanes(enum md5_code code, char *const *bytes, size_t streams)
{
    struct md5 m[MD5_MAX_LANES], *at[MD5_MAX_LANES];
    const char *from[MD5_MAX_LANES];
    for (size_t i = 0; i < streams; i++)
        md5_init(at[i] = &m[i]);
    for (size_t done = 0; done < PIECE; done += TURN) {
        for (size_t i = 0; i < streams; i++)
            from[i] = bytes[i] + done;
        md5_blocks(code, at, from, streams, TURN / MD5_BLOCK);
    }
}

static void hash_with_openssl(char *const *bytes)
{
    unsigned char digest[MD5_SIZE];
    if (!EVP_Digest(bytes[0], PIECE, digest, NULL, EVP_md5(), NULL))
        abort();
}

static double best_mib_per_second(int code, char *const *bytes, size_t streams)
{
    double fastest = 0;
    for (int try = 0; try < TRIES; try++) {
        double begin = cpu_s();
        for (int i = 0; i < PIECES_A_TRY; i++) {
            if (code < 0)
                hash_with_openssl(bytes);
            else
                hash_in_lanes((enum md5_code)code, bytes, streams);
        }
        double speed = (double)(streams * PIECE * PIECES_A_TRY) / MIB / (cpu_s() - begin);
        fastest = speed > fastest ? speed : fastest;
    }
    return fastest;
}

int main(void)
{
    static const char *const names[] = { "alone", "SSE2", "AVX2", "AVX-512" };
    char *bytes[MD5_MAX_LANES];
    for (size_t i = 0; i < MD5_MAX_LANES; i++) {
        bytes[i] = malloc(PIECE);
        if (!bytes[i])
            return 1;
        memset(bytes[i], (int)i, PIECE);
    }
    printf("%-8s %7.0f\n", "OpenSSL", best_mib_per_second(-1, bytes, 1));
    for (int code = MD5_PLAIN; code < MD5_CODES; code++) {
        if (!md5_code_runs((enum md5_code)code))
            continue;
        printf("%-8s", names[code]);
        for (size_t streams = 1; streams <= md5_code_lanes((enum md5_code)code); streams *= 2)
            printf(" %zu: %6.0f", streams, best_mib_per_second(code, bytes, streams));
        printf("\n");
    }
    for (size_t i = 0; i < MD5_MAX_LANES; i++)
        free(bytes[i]);
    return 0;
}
