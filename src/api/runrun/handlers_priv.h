/* SPDX-License-Identifier: Apache-2.0 */
/* The guard and the handlers, for the table of routes. */
#ifndef CAIS_API_RUNRUN_HANDLERS_PRIV_H
#define CAIS_API_RUNRUN_HANDLERS_PRIV_H

#include "http/http.h"

/* Checks both keys and the rate limit of a request, on the loop. */
err_t runrun_guard(struct http_exchange *);

/* Each function handles the route to which routes.c assigns it. */
err_t runrun_ticket_create(struct http_exchange *);
err_t runrun_document_confirm(struct http_exchange *);
err_t runrun_document_list(struct http_exchange *);
err_t runrun_document_get(struct http_exchange *);
err_t runrun_document_download(struct http_exchange *);
err_t runrun_document_no_picture(struct http_exchange *);
err_t runrun_document_delete(struct http_exchange *);
err_t runrun_zip_link(struct http_exchange *);
err_t runrun_zip_download(struct http_exchange *);
err_t runrun_file_download(struct http_exchange *);
err_t runrun_task_create(struct http_exchange *);
err_t runrun_task_get(struct http_exchange *);
err_t runrun_task_list(struct http_exchange *);
err_t runrun_task_edit(struct http_exchange *);
err_t runrun_description_get(struct http_exchange *);
err_t runrun_description_edit(struct http_exchange *);
err_t runrun_task_delete(struct http_exchange *);
err_t runrun_comment_create(struct http_exchange *);
err_t runrun_task_comment_create(struct http_exchange *);
err_t runrun_comment_list(struct http_exchange *);
err_t runrun_comment_get(struct http_exchange *);
err_t runrun_comment_edit(struct http_exchange *);
err_t runrun_comment_delete(struct http_exchange *);
err_t runrun_board_fields(struct http_exchange *);
err_t runrun_task_fields(struct http_exchange *);
err_t runrun_field_options(struct http_exchange *);
err_t runrun_user_me(struct http_exchange *);
err_t runrun_user_list(struct http_exchange *);
err_t runrun_user_get(struct http_exchange *);

#endif
