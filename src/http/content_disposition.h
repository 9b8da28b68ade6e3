/* SPDX-License-Identifier: Apache-2.0 */
/* Parses Content-Disposition of form-data parts, and formats it for downloads.
 * Spec: RFC 6266, RFC 7578 §4.2, RFC 8187 (name*=charset''value), RFC 2231 §3 (name*0=, name*1=), RFC 2047 (encoded words),
 * WHATWG HTML "multipart/form-data encoding algorithm", and what real clients send: docs/apis/pyrus.md §8. */
#ifndef CAIS_HTTP_CONTENT_DISPOSITION_H
#define CAIS_HTTP_CONTENT_DISPOSITION_H

#include "base/err.h"

struct content_disposition {
    slice type; /* "form-data", "attachment", …, as sent: compare without case */
    bool has_name, has_filename;
    /* Valid UTF-8, decoded, not cleaned: may be a path, empty, or contain control characters. */
    slice name, filename;
};

/* Parse a header value.
 *
 * value     borrowed; the caller limits its length
 * ret       its slices live in `a` or point into value
 * Errors    INVALID no type, a NUL, a malformed parameter, a parameter given twice, pieces of one that do not follow one another
 *           from 0 on, a name that cannot be decoded, or control characters outside of the two names
 * Names     a valid filename* (UTF-8 or ISO-8859-1) wins over filename, and name over name*; pieces count when neither is there.
 *           In other values \" \\ %22 %0D %0A and values that consist of RFC 2047 encoded words are decoded, and text that is not
 *           UTF-8 is read as Windows-1252.
 * Quotes    are closed as HTTP says (RFC 9110 §5.6.4). A header that is malformed in that reading is read as HTML forms write,
 *           with names that may end in a backslash: a quote behind a backslash closes when nothing or another parameter follows. */
MUST_USE err_t content_disposition_parse(slice value, struct arena *a, struct content_disposition *ret);

/* A header value with which every known client stores exactly this name. It has only one parameter, because Python's
 * parser prefers filename if filename* is also there. Always printable ASCII.
 *
 * type      "attachment" or "inline"
 * filename  not empty and clean (core/file/file_name.h); text that is not UTF-8 is read as Windows-1252 */
slice content_disposition_format(slice type, slice filename, struct arena *a);

#endif
