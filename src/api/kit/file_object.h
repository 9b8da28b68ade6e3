/* SPDX-License-Identifier: Apache-2.0 */
/* A file as docs/native.md describes it, "The file object". */
#ifndef CAIS_API_KIT_FILE_OBJECT_H
#define CAIS_API_KIT_FILE_OBJECT_H

#include "api/kit/json_reply.h"
#include "core/records/file.h"

#define FILE_OBJECT_PATH "/v1/native/files/" /* and the UUID: where its bytes are */

void file_object_put(struct json_out *, const struct file *, struct arena *a);
/* Its members alone, into an object that the caller opens and closes. */
void file_object_put_members(struct json_out *, const struct file *, struct arena *a);
/* As it was sent, or what stands for none. */
slice file_object_type(const struct file *);
/* With its quotes. In `a`. */
slice file_object_etag(const struct file *, struct arena *a);
slice file_object_location(const unsigned char uuid[16], struct arena *a);
slice file_object_state_name(enum file_state);
/* Ends the exchange. */
void file_object_reply(struct http_exchange *, int status, const struct file *);
/* The same, with the link by which the file came. */
void file_object_reply_with_link(struct http_exchange *, const struct file *, int64_t link_id, slice label);
/* The reply about a new file: its object, ETag, and Location. */
void file_object_reply_created(struct http_exchange *, const struct file *);

#endif
