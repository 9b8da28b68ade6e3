/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of routes.c. */
#ifndef CAIS_API_DATASNAP_HANDLERS_PRIV_H
#define CAIS_API_DATASNAP_HANDLERS_PRIV_H

#include "http/http.h"

/* schemas.c */
err_t datasnap_schema_list(struct http_exchange *);
err_t datasnap_schema_get(struct http_exchange *);
err_t datasnap_schema_create(struct http_exchange *);
err_t datasnap_schema_change(struct http_exchange *);
err_t datasnap_schema_remove(struct http_exchange *);

/* tokens.c */
err_t datasnap_token_issue(struct http_exchange *);
err_t datasnap_token_validate(struct http_exchange *);
err_t datasnap_token_revoke(struct http_exchange *);

/* query.c */
err_t datasnap_query(struct http_exchange *);

/* files.c */
err_t datasnap_file_list(struct http_exchange *);
err_t datasnap_file_history(struct http_exchange *);
err_t datasnap_file_get(struct http_exchange *);
err_t datasnap_file_remove(struct http_exchange *);
err_t datasnap_process(struct http_exchange *);

/* upload.c */
err_t datasnap_form_upload(struct http_exchange *);

/* bridge.c */
err_t datasnap_bridge(struct http_exchange *);

/* account.c */
err_t datasnap_me(struct http_exchange *);
err_t datasnap_health(struct http_exchange *);

#endif
