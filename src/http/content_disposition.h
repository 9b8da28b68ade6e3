/* SPDX-License-Identifier: Apache-2.0 */
/* Parses Content-Disposition of form-data parts, and formats it for downloads.
 * Spec: RFC 6266, RFC 7578 §4.2, RFC 8187 (name*=charset''value), RFC 2047 (encoded words), and what real clients send:
 * docs/apis/pyrus.md §8. */
#ifndef CAIS_HTTP_CONTENT_DISPOSITION_H
#define CAIS_HTTP_CONTENT_DISPOSITION_H

#include "base/err.h"

struct content_disposition {
    slice type; /* "form-data", "attachment", …, as sent: compare without case */
    bool has_name, has_filename;
    slice name;     /* valid UTF-8 */
    slice filename; /* valid UTF-8, decoded, not cleaned: may be a path, empty, or contain control characters */
};

/* Parse a header value.
 *
 * value     borrowed; the caller limits its length
 * ret       its slices live in `a` or point into value
 * Errors    INVALID no type, a malformed parameter, a parameter given twice, or a file name that cannot be decoded
 * Names     a valid filename* (UTF-8 or ISO-8859-1) wins over filename. In other values \" \\ %22 %0D %0A and values
 *           that consist of RFC 2047 encoded words are decoded, and text that is not UTF-8 is read as
 *           Windows-1252. */
MUST_USE err_t content_disposition_parse(slice value, struct arena *a, struct content_disposition *ret);

/* A header value with which every known client stores exactly this name. It has only one parameter, because Python's
 * parser prefers filename if filename* is also there. Always printable ASCII.
 *
 * type      "attachment" or "inline"
 * filename  not empty and clean (core/file/file_name.h); text that is not UTF-8 is read as Windows-1252 */
slice content_disposition_format(slice type, slice filename, struct arena *a);

#endif
