/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Disposition, in (form-data parts, attachments) and out (downloads).
 * Spec: RFC 6266, RFC 7578 §4.2, RFC 8187 (name*=charset''value), RFC 2047 (encoded words), and what real writers send:
 * docs/apis/pyrus.md §8. */
#ifndef CAIS_HTTP_CONTENT_DISPOSITION_H
#define CAIS_HTTP_CONTENT_DISPOSITION_H

#include "base/err.h"

struct content_disposition {
    slice type; /* "form-data", "attachment", …, as sent: compare without case */
    bool has_name, has_filename;
    slice name;     /* valid UTF-8 */
    slice filename; /* valid UTF-8, decoded but not cleaned: it may be a path, be empty or hold control characters */
};

/* Read a header value.
 *
 * value     borrowed; at most a header block long, which is the caller's limit
 * ret       its slices live in `a` or point into value
 * Errors    INVALID no type, a broken parameter, a parameter given twice, or no usable file name although one is given
 * Names     filename* (UTF-8 or ISO-8859-1) wins over filename when it is valid. Elsewhere \" \\ %22 %0D %0A and whole
 *           RFC 2047 encoded words are undone, and what is not UTF-8 is read as Windows-1252. */
MUST_USE err_t content_disposition_parse(slice value, struct arena *a, struct content_disposition *ret);

/* The header value that makes every known client store exactly this name. One parameter only: with both filename and
 * filename* present, Python's parser takes the plain one. Always printable ASCII.
 *
 * type      "attachment" or "inline"
 * filename  not empty and clean (core/file/file_name.h); bytes that are no UTF-8 are read as Windows-1252 */
slice content_disposition_format(slice type, slice filename, struct arena *a);

#endif
