/* SPDX-License-Identifier: Apache-2.0 */
/* The webhooks of this API, for its module. */
#ifndef CAIS_API_PYRUS_WEBHOOK_PRIV_H
#define CAIS_API_PYRUS_WEBHOOK_PRIV_H

#include "core/webhook/webhook.h"

/* Its functions get the struct pyrus. */
extern const struct webhook_format pyrus_webhook;

#endif
