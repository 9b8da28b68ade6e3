/* SPDX-License-Identifier: Apache-2.0 */
/* Standard Webhooks (standardwebhooks.com): the signature covers "ID.TIMESTAMP.BODY", and the id stays the same over all attempts, so that
 * a receiver can tell a repetition. */
#include "core/webhook/webhook.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const int64_t pauses_ms[] = { 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                     10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR };

static err_t write_data(struct json_out *o, const struct webhook_delivery *d, struct arena *a)
{
    const struct json *described = NULL;
    if (d->data.n)
        TRY(json_parse(a, d->data, &described));
    json_name(o, "data");
    json_open_object(o);
    json_put_string(o, "subject", d->subject);
    json_put_string(o, "detail", d->detail);
    if (described) {
        json_name(o, "file");
        json_add_value(o, described);
    }
    json_put_int(o, "actor", d->actor_id);
    json_put_string(o, "request_id", d->request_id);
    json_close_object(o);
    return NULL;
}

static err_t write_body(const struct webhook_delivery *d, struct arena *a, slice *ret)
{
    SCOPED(buf_releasep) struct buf b;
    struct json_out o;
    buf_init(&b, 0);
    json_out_init(&o, &b);
    json_open_object(&o);
    json_put_string(&o, "type", d->action);
    json_put_string(&o, "timestamp", time_format_utc(a, d->happened_at_ms));
    TRY(write_data(&o, d, a));
    json_close_object(&o);
    *ret = arena_copy(a, buf_slice(&b));
    return NULL;
}

/* The key is what stands in base64 behind whsec_; a secret that was given in another form is the key itself. */
static slice key_of(slice secret, struct arena *a)
{
    slice key;
    return slice_starts(secret, S("whsec_")) && base64_decode(a, slice_from(secret, 6), &key) ? key : secret;
}

static err_t write_message(const struct webhook_call *call, struct arena *a, struct webhook_message *ret)
{
    const struct webhook_delivery *d = call->delivery;
    slice id = arena_printf(a, "msg_%lld_%lld", (long long)d->webhook_id, (long long)d->id);
    slice at = arena_printf(a, "%lld", (long long)(call->now_ms / SECOND));
    TRY(write_body(d, a, &ret->body));
    slice parts[] = { id, S("."), at, S("."), ret->body };
    unsigned char mac[SHA256_SIZE];
    hash_hmac_sha256(key_of(call->secret, a), arena_join(a, parts, LENGTH_OF(parts)), mac);
    slice signature = base64_encode(a, (slice){ (const char *)mac, sizeof mac });
    const char **headers = arena_array(a, const char *, 5);
    headers[0] = arena_printf(a, "webhook-id: " SLICE_FMT, SLICE_ARG(id)).p;
    headers[1] = arena_printf(a, "webhook-timestamp: " SLICE_FMT, SLICE_ARG(at)).p;
    headers[2] = arena_printf(a, "webhook-signature: v1," SLICE_FMT, SLICE_ARG(signature)).p;
    headers[3] = "User-Agent: cais/" CAIS_VERSION;
    ret->headers = headers;
    return NULL;
}

const struct webhook_format webhook_events_format = { .name = "events",
                                                      .events = "file.",
                                                      .pauses_ms = pauses_ms,
                                                      .pause_count = LENGTH_OF(pauses_ms),
                                                      .varies_pauses = true,
                                                      .timeout_ms = 30 * SECOND,
                                                      .write = write_message };
