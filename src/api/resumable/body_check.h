/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of the body of a request, announced in its head or, by tus, in its trailer. */
#ifndef CAIS_API_RESUMABLE_BODY_CHECK_H
#define CAIS_API_RESUMABLE_BODY_CHECK_H

#include "base/hash.h"
#include "http/http.h"

enum check_kind { CHECK_SHA1, CHECK_SHA256, CHECK_SHA512, CHECK_MD5, CHECK_CRC32, CHECK_KINDS };

struct body_checks {
    struct body_check {
        bool is_on;
        struct hash *hash; /* of all but CHECK_CRC32 */
        uint32_t crc;
        slice expected; /* empty: not known yet */
    } of[CHECK_KINDS];
    bool is_any;
    bool in_trailer; /* the trailer says which one counts */
};

/* Computes this checksum; it must be `expected`, which is borrowed and has check_size bytes. What it allocates is freed with the
 * exchange. */
void body_checks_add(struct body_checks *, enum check_kind, slice expected, struct arena *a);
size_t check_size(enum check_kind);
void body_checks_update(struct body_checks *, slice bytes);
/* At the end of the body, once: are all as expected? */
bool body_checks_hold(struct body_checks *);

/* ALGORITHM BASE64, the value of Upload-Checksum. False: it has another form, or the algorithm is not known. */
bool checksum_parse(slice value, struct arena *a, enum check_kind *ret_kind, slice *ret_bytes);
/* Computes all of those algorithms: the trailer will say which one counts. */
void body_checks_await_trailer(struct body_checks *, struct arena *a);

#endif
