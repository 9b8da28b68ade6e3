/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of core on their way out through the engine: what the downloads of all ways in share. */
#ifndef CAIS_API_DOWNLOAD_H
#define CAIS_API_DOWNLOAD_H

#include "core/file/file.h"
#include "http/http.h"

struct download {
    struct http_content http; /* type, etag and time are the caller's */
    struct content content;   /* open; the engine closes it when it is done */
};
/* Fills in where the bytes come from, and how they are let go. For http_reply_content; until then the content is the
 * caller's to close. */
void download_fill(struct download *);

#endif
