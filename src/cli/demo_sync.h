/* SPDX-License-Identifier: Apache-2.0 */
/* The part of `cais demo` that is about sync files: the Appfile API, and SFTP. */
#ifndef CAIS_CLI_DEMO_SYNC_H
#define CAIS_CLI_DEMO_SYNC_H

#include "cli/admin.h"

#include <stdio.h>

struct demo_sync {
    slice login;
    slice workspace, section;
    slice key; /* of the API */
};
/* A workspace of the user's own (demo_workspace_name) with a section, and a key for both. */
MUST_USE err_t demo_sync_make(struct cli *, struct admin *, slice login, int64_t user_id, struct demo_sync *ret);
void demo_sync_print_api(FILE *out, slice url, const struct demo_sync *);
/* address: HOST:PORT of SFTP. */
void demo_sync_print_sftp(FILE *out, slice address, slice data_dir, const struct demo_sync *, struct arena *a);

#endif
