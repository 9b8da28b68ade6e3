/* SPDX-License-Identifier: Apache-2.0 */
/* What the signature schemes share: the request they look at, and what can be wrong with it.
 * Nothing in src/sign does I/O, knows the time or keeps anything: what is needed comes in as an argument. */
#ifndef CAIS_SIGN_SIGN_H
#define CAIS_SIGN_SIGN_H

#include "base/arena.h"

/* A header, a form field, or a query parameter as it was sent (still encoded). */
struct sign_pair {
    slice name, value;
};

/* A request as it came in, or as it is to be sent. All slices are borrowed. */
struct sign_request {
    slice method;
    slice path;                    /* still encoded, without the query; begins with / */
    const struct sign_pair *query; /* in the order sent, empty pieces left out */
    size_t query_count;
    const struct sign_pair *headers;
    size_t header_count;
};

/* What is wrong, as far as an API tells it apart. An unknown access key is the caller's to find out. */
enum sign_fault {
    SIGN_OK,
    /* how it is written */
    SIGN_MALFORMED,   /* an authorisation that cannot be read */
    SIGN_ALGORITHM,   /* another way of signing than those offered here */
    SIGN_SCOPE,       /* the scope names another date, region, service or end than it must */
    SIGN_DATE,        /* no date, or none that can be read */
    SIGN_LIFETIME,    /* X-Amz-Expires is no number from 1 to SIGV4_LIFETIME_MAX_S */
    SIGN_PAYLOAD_TAG, /* x-amz-content-sha256 is neither a digest nor a word we know */
    /* what it covers */
    SIGN_UNSIGNED_HEADER, /* host, or an x-amz- header, is there and not signed */
    SIGN_ABSENT_HEADER,   /* a header was signed and is not there */
    SIGN_MISMATCH,        /* somebody else's secret, or something altered */
    /* when */
    SIGN_EXPIRED,
    SIGN_NOT_YET, /* a link from the future */
    SIGN_SKEW,    /* the clocks are too far apart */
    /* bodies in signed chunks */
    SIGN_CHUNK,     /* framing that breaks the grammar */
    SIGN_LENGTH,    /* more or fewer bytes than x-amz-decoded-content-length promised */
    SIGN_TRAILER,   /* a trailer that was not announced, or is missing, or cannot be read */
    SIGN_TRUNCATED, /* the body ended before its last chunk */
    /* form policies */
    SIGN_POLICY,      /* no policy document */
    SIGN_CONDITION,   /* a condition does not hold */
    SIGN_EXTRA_FIELD, /* a field that no condition covers */
    SIGN_FAULT_COUNT,
};
const char *sign_fault_text(enum sign_fault fault); /* one short fact for a person */

/* Filled where a function takes one (NULL is fine) and the fault has more to tell; for the answer, never a secret. */
struct sign_detail {
    slice about;             /* the header, field, condition or part concerned */
    slice canonical_request; /* MISMATCH: what we made of the request, for the sender to compare */
    slice string_to_sign;
};

enum sign_form {
    SIGN_FORM_NONE,      /* not signed in a way known here: anonymous, or another kind of Authorization */
    SIGN_FORM_V4_HEADER, /* sigv4.h */
    SIGN_FORM_V4_QUERY,
    SIGN_FORM_V2_QUERY,  /* sigv2.h */
    SIGN_FORM_V2_HEADER, /* known and not offered */
    SIGN_FORM_SEVERAL,   /* more than one of them: to be refused, or two checks could see two senders */
};
enum sign_form sign_form_of(const struct sign_request *r);

#endif
