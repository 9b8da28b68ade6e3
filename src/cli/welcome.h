/* SPDX-License-Identifier: Apache-2.0 */
/* What `cais serve` shows to a person who starts it on a terminal: the address of the portal, and a link that signs in once. */
#ifndef CAIS_CLI_WELCOME_H
#define CAIS_CLI_WELCOME_H

#include "core/core.h"

#include <stdio.h>

#define WELCOME_LINK_MS ((int64_t)15 * 60 * 1000) /* how long the link is good for */

/* Print to `out`. The link is for the first administrator of the account "default" who is active; on a server that has none, the
 * user `admin` is made. Where neither is possible, the address is printed alone. The secret is in no log, and no process but that
 * of the terminal sees it.
 *
 * address  "http://127.0.0.1:8080", without a slash at the end
 * Errors   those of the store */
MUST_USE err_t welcome_print(struct core *, slice address, FILE *out, struct arena *a);

#endif
