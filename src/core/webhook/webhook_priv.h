/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room. */
#ifndef CAIS_CORE_WEBHOOK_WEBHOOK_PRIV_H
#define CAIS_CORE_WEBHOOK_WEBHOOK_PRIV_H

#include "core/webhook/webhook.h"

/* struct core has it: what webhook_use was given. */
struct webhooks {
    struct hook_sender *sender;
    const struct webhook_format_use *more;
    size_t count;
};

/* What the secret of a webhook is sealed for. */
slice webhook_seal_subject(struct arena *a, int64_t id);

#endif
