/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of routes.c. */
#ifndef CAIS_API_APPFILE_HANDLERS_PRIV_H
#define CAIS_API_APPFILE_HANDLERS_PRIV_H

#include "http/http.h"

err_t appfile_file_issue(struct http_exchange *);        /* issue.c */
err_t appfile_file_import(struct http_exchange *);       /* import.c: waits for its end */
err_t appfile_file_import_async(struct http_exchange *); /* import.c */
err_t appfile_data_import(struct http_exchange *);       /* import_data.c */
err_t appfile_file_status(struct http_exchange *);       /* status.c */
err_t appfile_refresh(struct http_exchange *);           /* status.c */
err_t appfile_files_query(struct http_exchange *);       /* file_query.c */
err_t appfile_records_query(struct http_exchange *);     /* records.c */
err_t appfile_record_retrieve(struct http_exchange *);   /* records.c */
err_t appfile_record_write(struct http_exchange *);      /* records.c */

#endif
