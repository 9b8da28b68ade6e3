/* SPDX-License-Identifier: Apache-2.0 */
/* What all signature schemes share: the request that they verify, and the faults that they find.
 * Nothing in src/sign does I/O, reads the clock or keeps state: every input is an argument. */
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

/* What is wrong, as far as an API distinguishes it. Whether an access key is known is for the caller to find out. */
enum sign_fault {
    SIGN_OK,
    /* the syntax of the signature */
    SIGN_MALFORMED,   /* the authorization cannot be parsed */
    SIGN_ALGORITHM,   /* a signature algorithm that is not offered here */
    SIGN_SCOPE,       /* the credential scope has a wrong date, region, service or terminator */
    SIGN_DATE,        /* the date is absent or cannot be parsed */
    SIGN_LIFETIME,    /* X-Amz-Expires is not a number from 1 to SIGV4_LIFETIME_MAX_S */
    SIGN_PAYLOAD_TAG, /* x-amz-content-sha256 is neither a digest nor one of the defined words */
    /* what the signature covers */
    SIGN_UNSIGNED_HEADER, /* the request has a host or x-amz- header that is not signed */
    SIGN_ABSENT_HEADER,   /* a signed header is not in the request */
    SIGN_MISMATCH,        /* another secret signed the request, or the request was altered */
    /* when it is valid */
    SIGN_EXPIRED,
    SIGN_NOT_YET, /* a link whose date lies in the future */
    SIGN_SKEW,    /* the clocks differ too much */
    /* bodies in signed chunks */
    SIGN_CHUNK,     /* the framing breaks the grammar */
    SIGN_LENGTH,    /* more or fewer bytes than x-amz-decoded-content-length declares */
    SIGN_TRAILER,   /* a trailer was not announced, or is absent, or cannot be parsed */
    SIGN_TRUNCATED, /* the body ended before its last chunk */
    /* form policies */
    SIGN_POLICY,      /* the policy document cannot be parsed */
    SIGN_CONDITION,   /* a condition does not hold */
    SIGN_EXTRA_FIELD, /* no condition covers a field */
    SIGN_FAULT_COUNT,
};
const char *sign_fault_text(enum sign_fault fault); /* one short fact for a person */

/* What a reply may tell about a fault. A function that takes one sets it if the fault has details; NULL is fine. It
 * never contains a secret. */
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
