/* SPDX-License-Identifier: Apache-2.0 */
/* cais demo --remove: what earlier demos made, and what was sent with their keys. */
#ifndef CAIS_CLI_DEMO_REMOVE_H
#define CAIS_CLI_DEMO_REMOVE_H

#include "cli/admin.h"

/* The user of a demo has this name, and a login that begins and ends so, with six digits (hex) between. */
#define DEMO_USER_NAME "Demo User"
#define DEMO_LOGIN_BEGIN "demo-"
#define DEMO_LOGIN_END "@example.org"

/* The path of the environment of the demo, and the slug of its dataset. */
slice demo_environment_path(int64_t user_id, struct arena *a);
slice demo_dataset_slug(int64_t user_id, struct arena *a);
/* The name of its workspace. Older versions gave a random one: such a workspace stays, since nothing says whose it is. */
slice demo_workspace_name(int64_t user_id, struct arena *a);

/* Remove all demos of the account "default", with everything that they made.
 *
 * ret_count  how many demos were removed, also after an error
 * Errors     CONFLICT a file of the demo is being imported; those of the store; the rest can be removed by another call */
MUST_USE err_t demo_remove_all(struct cli *, struct admin *, int64_t *ret_count);

#endif
