/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed bytes. A slice may hold NULs; do not rely on a NUL after its end. */
#ifndef CAIS_BASE_SLICE_H
#define CAIS_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct slice {
    const char *p;
    size_t n;
} slice;

/* A slice over a string literal. */
#define S(lit) ((slice){ "" lit, sizeof(lit) - 1 })
#define SLICE_FMT "%.*s"
#define SLICE_ARG(s) (int)(s).n, (s).p

slice slice_of(const char *cstr); /* NULL becomes the empty slice */
bool slice_eq(slice a, slice b);
bool slice_eq_nocase(slice a, slice b); /* ASCII case only */
/* For secrets: the time that the comparison takes depends on the lengths, never on the bytes. */
bool slice_eq_secret(slice a, slice b);
int slice_cmp(slice a, slice b); /* by bytes, as memcmp; a prefix comes first */
bool slice_starts(slice s, slice prefix);
bool slice_starts_nocase(slice s, slice prefix); /* ASCII case only */
bool slice_ends(slice s, slice suffix);
slice slice_from(slice s, size_t at);             /* s[at..], empty when at is past the end */
slice slice_part(slice s, size_t at, size_t len); /* s[at..at+len], clamped */
slice slice_trim(slice s);                        /* without SP and HT at both ends */
/* Position of the first (rfind: last) occurrence; SLICE_NONE when there is none. */
#define SLICE_NONE ((size_t)-1)
size_t slice_find_byte(slice s, char c);
size_t slice_rfind_byte(slice s, char c);
size_t slice_find(slice s, slice needle);
/* Cut s at the first c: *head is before it, *tail after it. False, *head = s and *tail empty when c is absent. */
bool slice_cut(slice s, char c, slice *head, slice *tail);
/* Decimal digits only, no sign, no blanks; false on overflow or anything else. */
bool slice_to_u64(slice s, uint64_t *ret);
/* The same, with an optional leading minus. */
bool slice_to_i64(slice s, int64_t *ret);
bool slice_is_utf8(slice s); /* well-formed, no surrogates, no overlong forms (RFC 3629) */
/* The length of the well-formed UTF-8 sequence at the start of s; 0: there is none. */
size_t slice_utf8_length(slice s);
/* The first characters of s, which is well-formed UTF-8: at most max. */
slice slice_characters(slice s, size_t max);
uint64_t slice_hash(slice s); /* FNV-1a; for tables without hostile keys, or with a bounded size */

#endif
