/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all signature schemes: the request that they verify, and the faults that they find. Nothing in src/sign
 * does I/O, reads the clock or keeps state: every input is an argument. */
#ifndef CAIS_SIGN_SIGN_H
#define CAIS_SIGN_SIGN_H

#include "base/arena.h"

/* A header, a form field, or a query parameter as the client sent it (still encoded). */
struct sign_pair {
    slice name, value;
};

/* A request that was received, or that is to be sent. All slices are borrowed. */
struct sign_request {
    slice method;
    slice path;                    /* still encoded, without the query; begins with / */
    const struct sign_pair *query; /* in the order sent, without empty pieces */
    size_t query_count;
    const struct sign_pair *headers;
    size_t header_count;
    slice host_bucket; /* the bucket that the host names (virtual-host style), else empty; version 2 signs it */
};

/* What is wrong: faults.def. Whether an access key is known is for the caller to find out. */
enum sign_fault {
    SIGN_OK,
#define SIGN_FAULT(name, text) SIGN_##name,
#include "sign/faults.def"
#undef SIGN_FAULT
    SIGN_FAULT_COUNT,
};
const char *sign_fault_text(enum sign_fault fault); /* one short fact for a person */

/* Details of a fault for the reply. A function that takes one sets it if the fault has details; NULL is fine. It never
 * contains a secret. */
struct sign_detail {
    slice about;             /* the header, field, condition or part concerned */
    slice canonical_request; /* MISMATCH: as computed here, for the client to compare */
    slice string_to_sign;
};

enum sign_scheme {
    SIGN_SCHEME_NONE,      /* not signed, or another kind of Authorization */
    SIGN_SCHEME_V4_HEADER, /* sigv4.h */
    SIGN_SCHEME_V4_QUERY,
    SIGN_SCHEME_V2_QUERY,  /* sigv2.h */
    SIGN_SCHEME_V2_HEADER, /* recognised, but not offered */
    SIGN_SCHEME_SEVERAL,   /* more than one signature: refuse it, because two checks could find two users */
};
/* By which scheme is the request signed? Looks at names only, verifies nothing. */
enum sign_scheme sign_scheme_of(const struct sign_request *r);

#endif
