/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a file or an entry as the body of a reply: what the downloads of all APIs share. */
#ifndef CAIS_API_KIT_CONTENT_REPLY_H
#define CAIS_API_KIT_CONTENT_REPLY_H

#include "core/object/content.h"
#include "http/http.h"

struct content_reply {
    struct http_content http; /* the caller sets type, ETag and time */
    struct content content;   /* open */
};
/* Prepares `http` for http_reply_content: its size, where its bytes come from, and how `content` is closed once the
 * reply is sent. A caller that does not reply with it must close `content` itself. The struct must live in the arena of
 * the exchange. */
void content_reply_prepare(struct content_reply *);
/* Add the headers that every reply with stored bytes has, so that a browser never runs what somebody sent with the
 * rights of this host, on which people are logged in: X-Content-Type-Options: nosniff, and Content-Security-Policy:
 * sandbox. The type does not matter: what a browser makes of a picture or a PDF is not ours to know. */
void content_reply_disarm(struct http_exchange *);
/* content_reply_prepare and content_reply_disarm for a download that a browser stores under `name`: also adds
 * Content-Disposition, and sets the type. */
void content_reply_attach(struct http_exchange *, struct content_reply *, slice name, slice content_type);

#endif
