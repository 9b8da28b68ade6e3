/* SPDX-License-Identifier: Apache-2.0 */
#include "api/service/service.h"

#include "api/kit/json_reply.h"
#include "base/json.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/object/damage.h"
#include "core/object/scrub.h"
#include "core/object/sweep.h"

static struct service *service_of(const struct http_exchange *x)
{
    return x->api->context;
}

static void reply_uncached(struct http_exchange *x, int status, const char *type, struct buf *b)
{
    http_reply_header(x, "Cache-Control", S("no-store"));
    http_reply(x, status, type, buf_give(b, &x->arena));
}

static void open_store_object(struct json_out *o, const char *name, const char *kind, const struct store_health *now,
                              struct arena *a)
{
    json_name(o, name);
    json_open_object(o);
    json_put_string(o, "kind", slice_of(kind));
    json_put_string(o, "status", slice_of(health_status_name(now->status)));
    json_put_known_time(o, "last_write_at", now->writes.succeeded_ms, a);
    json_put_known_time(o, "last_failure_at", now->writes.failed_ms, a);
}

/* DataSnap's clients look for {"status":"ok"}, load balancers for the status code. */
static err_t reply_health(struct http_exchange *x)
{
    struct service *s = service_of(x);
    struct health now;
    health_watch_check(s->health, &now);
    SCOPED(buf_releasep) struct buf body;
    buf_init_on(&body, 0, &x->arena);
    struct json_out o;
    json_out_init(&o, &body);
    json_open_object(&o);
    json_put_string(&o, "status", slice_of(health_status_name(now.status)));
    json_put_string(&o, "version", S(CAIS_VERSION));
    json_put_string(&o, "durability", slice_of(s->durability));
    json_name(&o, "stores");
    json_open_object(&o);
    open_store_object(&o, "metadata", s->metadata_kind, &now.stores[CORE_METADATA], &x->arena);
    json_close_object(&o);
    open_store_object(&o, "blobs", s->blob_kind, &now.stores[CORE_BLOBS], &x->arena);
    if (now.has_free_bytes)
        json_put_int(&o, "free_bytes", (int64_t)now.free_bytes);
    if (s->flush_us >= 0)
        json_put_int(&o, "flush_us", s->flush_us);
    json_close_object(&o);
    json_close_object(&o);
    json_put_string(&o, "started_at", time_format_utc(&x->arena, s->started_at_ms));
    json_close_object(&o);
    reply_uncached(x, now.status == HEALTH_OK ? 200 : 503, "application/json", &body);
    return NULL;
}

void service_add_metric(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name, (unsigned long long)v);
}

static void begin_labelled_metric(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A lane is a kind of thread, with a queue of its own. */
static void add_lane_metrics(struct buf *b, const struct http_stats *h)
{
    const struct {
        const char *name;
        const struct http_pool_stats *stats;
    } lanes[] = { { "ordinary", &h->lanes[HTTP_LANE_ORDINARY] },
                  { "long", &h->lanes[HTTP_LANE_LONG] },
                  { "health", &h->lanes[HTTP_LANE_HEALTH] },
                  { "admin", &h->lanes[HTTP_LANE_ADMIN] },
                  { "body", &h->body_workers } };
    static_assert(LENGTH_OF(lanes) == HTTP_LANES + 1, "a lane has no metrics");
#define EACH_LANE(metric, member)                                                                                      \
    for (size_t i = 0; i < LENGTH_OF(lanes); i++)                                                                      \
    buf_printf(b, metric "{lane=\"%s\"} %llu\n", lanes[i].name, (unsigned long long)lanes[i].stats->member)
    begin_labelled_metric(b, "cais_lane_waiting", "gauge", "Tasks that wait for a thread of the lane.");
    EACH_LANE("cais_lane_waiting", waiting);
    begin_labelled_metric(b, "cais_lane_refused_total", "counter", "Requests refused because the queue was full.");
    EACH_LANE("cais_lane_refused_total", refused);
    begin_labelled_metric(b, "cais_lane_longest_stretch_microseconds", "gauge",
                          "Longest work for one request without a pause, in time of the processor.");
    EACH_LANE("cais_lane_longest_stretch_microseconds", stretch.longest_us);
    begin_labelled_metric(b, "cais_lane_long_stretches_total", "counter", "Work without a pause above 50 ms.");
    EACH_LANE("cais_lane_long_stretches_total", stretch.over);
#undef EACH_LANE
    service_add_metric(b, "cais_loop_longest_stretch_microseconds", "gauge",
                       "Longest work of a loop for one request, in time of the processor.", h->loop.longest_us);
    service_add_metric(b, "cais_loop_long_stretches_total", "counter", "Work of a loop for one request above 1 ms.",
                       h->loop.over);
}

static void add_write_metrics(struct buf *b, const struct health *now)
{
    static const char *const names[] = { [CORE_METADATA] = "metadata", [CORE_BLOBS] = "blobs" };
#define EACH_STORE(metric, value)                                                                                      \
    for (enum core_store i = 0; i < CORE_STORES; i++)                                                                  \
    buf_printf(b, metric "{store=\"%s\"} %llu\n", names[i], (unsigned long long)(value))
    begin_labelled_metric(b, "cais_store_writes_failing", "gauge", "Whether the last write to the store failed.");
    EACH_STORE("cais_store_writes_failing", now->stores[i].writes.is_failing);
    begin_labelled_metric(b, "cais_store_write_failures_total", "counter", "Writes to the store that failed.");
    EACH_STORE("cais_store_write_failures_total", now->stores[i].writes.failures);
    begin_labelled_metric(b, "cais_store_last_write_timestamp_seconds", "gauge",
                          "When a write to the store last succeeded, in seconds since 1970; 0: not since the start.");
    EACH_STORE("cais_store_last_write_timestamp_seconds", now->stores[i].writes.succeeded_ms / 1000);
#undef EACH_STORE
    service_add_metric(b, "cais_store_full", "gauge", "Whether uploads are refused for want of space.", now->is_full);
    service_add_metric(b, "cais_store_read_only", "gauge", "Whether the file system is read-only.", now->is_read_only);
}

static void add_account_metrics(struct core *core, struct buf *b, struct arena *a)
{
    struct account_list accounts;
    if (account_list(core, a, &accounts))
        return;
    buf_add(b, S("# HELP cais_account_bytes Bytes kept by an account.\n# TYPE cais_account_bytes gauge\n"));
    for (size_t i = 0; i < accounts.count; i++)
        buf_printf(b, "cais_account_bytes{account=\"" SLICE_FMT "\"} %lld\n", SLICE_ARG(accounts.items[i].name),
                   (long long)accounts.items[i].used_bytes);
    buf_add(b, S("# HELP cais_account_record_bytes Bytes of records kept by an account.\n"
                 "# TYPE cais_account_record_bytes gauge\n"));
    for (size_t i = 0; i < accounts.count; i++)
        buf_printf(b, "cais_account_record_bytes{account=\"" SLICE_FMT "\"} %lld\n", SLICE_ARG(accounts.items[i].name),
                   (long long)accounts.items[i].record_bytes);
    buf_add(b, S("# HELP cais_account_garbage_bytes Bytes that an account removed and that are still on the disk.\n"
                 "# TYPE cais_account_garbage_bytes gauge\n"));
    for (size_t i = 0; i < accounts.count; i++)
        buf_printf(b, "cais_account_garbage_bytes{account=\"" SLICE_FMT "\"} %lld\n", SLICE_ARG(accounts.items[i].name),
                   (long long)accounts.items[i].garbage_bytes);
    buf_add(b, S("# HELP cais_account_files Files kept by an account.\n# TYPE cais_account_files gauge\n"));
    for (size_t i = 0; i < accounts.count; i++)
        buf_printf(b, "cais_account_files{account=\"" SLICE_FMT "\"} %lld\n", SLICE_ARG(accounts.items[i].name),
                   (long long)accounts.items[i].used_files);
}

static void add_damage_metrics(struct core *core, struct buf *b, struct arena *a)
{
    struct scrub_progress scrub;
    service_add_metric(b, "cais_damage_found_total", "counter",
                       "Reads that found stored bytes to be damaged, since the start.", damage_count(core));
    if (scrub_progress(core, a, &scrub))
        return;
    service_add_metric(b, "cais_scrub_done_bytes", "gauge", "Bytes that the scrub has read in its round.",
                       scrub.done_bytes);
    service_add_metric(b, "cais_scrub_total_bytes", "gauge", "Bytes that are kept, all of which a round reads.",
                       scrub.total_bytes);
    service_add_metric(b, "cais_scrub_damaged_objects", "gauge", "Objects that it found to be damaged.", scrub.damaged);
    service_add_metric(b, "cais_scrub_begun_seconds", "gauge", "When the round began, since 1970.",
                       (uint64_t)(scrub.begun_at_ms / 1000));
}

/* Prometheus text format, version 0.0.4. */
static err_t reply_metrics(struct http_exchange *x)
{
    struct service *s = service_of(x);
    struct http_stats h;
    http_server_stats(s->server, &h);
    struct health now;
    health_watch_check(s->health, &now);
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &x->arena);
    service_add_metric(&b, "cais_up", "gauge", "Whether both stores answer.", now.status < HEALTH_STALLED);
    service_add_metric(&b, "cais_http_connections", "gauge", "Open connections.", h.connections_open);
    service_add_metric(&b, "cais_http_connections_accepted_total", "counter", "Connections accepted.",
                       h.connections_accepted);
    service_add_metric(&b, "cais_http_connections_refused_total", "counter", "Connections refused by a cap.",
                       h.connections_refused);
    service_add_metric(&b, "cais_http_requests_active", "gauge", "Requests being served.", h.requests_active);
    buf_add(&b, S("# HELP cais_http_requests_total Requests answered.\n# TYPE cais_http_requests_total counter\n"));
    for (int i = 2; i < 6; i++)
        buf_printf(&b, "cais_http_requests_total{status=\"%dxx\"} %llu\n", i, (unsigned long long)h.status[i]);
    service_add_metric(&b, "cais_http_received_bytes_total", "counter", "Bytes of request bodies.", h.bytes_in);
    service_add_metric(&b, "cais_http_sent_bytes_total", "counter", "Bytes of answers.", h.bytes_out);
    service_add_metric(&b, "cais_http_timeouts_total", "counter", "Connections let go for being slow.", h.timeouts);
    service_add_metric(&b, "cais_http_slow_readers_total", "counter", "Replies that were cut because nobody read them.",
                       h.slow_readers);
    service_add_metric(&b, "cais_http_malformed_total", "counter", "Requests that were no HTTP.", h.malformed);
    service_add_metric(&b, "cais_http_memory_bytes", "gauge",
                       "Memory of requests and of replies that are not sent yet.", h.memory_used);
    service_add_metric(&b, "cais_http_memory_max_bytes", "gauge", "The limit for it: http.memory.", h.memory_max);
    service_add_metric(&b, "cais_http_memory_refused_total", "counter",
                       "Requests refused or cut because it was in use.", h.memory_refused);
    service_add_metric(&b, "cais_http_memory_peak_request_bytes", "gauge", "The most that one request has used.",
                       h.memory_peak);
    service_add_metric(&b, "cais_http_memory_overdraft_bytes", "gauge",
                       "The most that one request has used above its limit.", h.memory_over);
    service_add_metric(&b, "cais_http_body_buffers", "gauge", "Buffers of 128 KiB in use by uploads.", h.body_buffers);
    struct unverified_use unverified = unverified_use(s->core->unverified);
    service_add_metric(&b, "cais_unverified_bytes", "gauge",
                       "Bodies that are staged before it is known who sends them.", unverified.bytes);
    service_add_metric(&b, "cais_unverified_refused_total", "counter",
                       "Such bodies refused because there were too many.", unverified.refused);
    add_lane_metrics(&b, &h);
    if (s->more_metrics)
        s->more_metrics(s->more_arg, &b);
    service_add_metric(&b, "cais_log_dropped_lines_total", "counter", "Lines of the log that were not written.",
                       log_dropped_lines(s->log));
    service_add_metric(&b, "cais_store_flush_failed", "gauge",
                       "Whether a flush failed and no writes are taken until a restart.",
                       now.stores[CORE_METADATA].status == HEALTH_FLUSH_FAILED);
    service_add_metric(&b, "cais_sweep_refused_blobs", "gauge",
                       "Blobs without a record that the last sweep did not remove, because records may be lost.",
                       (uint64_t)sweep_refused(s->core));
    add_write_metrics(&b, &now);
    if (s->flush_us >= 0)
        service_add_metric(&b, "cais_store_flush_microseconds", "gauge",
                           "One durable write of 4 KiB, measured at start.", (uint64_t)s->flush_us);
    service_add_metric(&b, "cais_committer_longest_write_microseconds", "gauge",
                       "Processor time of the longest write to the database since the start.", now.longest.write_us);
    service_add_metric(&b, "cais_committer_longest_batch_microseconds", "gauge",
                       "The longest transaction since the start, from its beginning to its commit.",
                       now.longest.batch_us);
    bool can_read = now.status < HEALTH_STALLED; /* else whoever reads waits for the disk */
    if (can_read)
        add_damage_metrics(s->core, &b, &x->arena);
    if (now.has_free_bytes)
        service_add_metric(&b, "cais_store_free_bytes", "gauge", "Bytes that can still be written.", now.free_bytes);
    if (can_read && (s->with_accounts || x->req.local))
        add_account_metrics(s->core, &b, &x->arena);
    reply_uncached(x, 200, "text/plain; version=0.0.4; charset=utf-8", &b);
    return NULL;
}

/* Only the engine refuses here: the handlers have no errors. */
static void fail_service_request(struct http_exchange *x, err_t e)
{
    const struct http_refusal_row *refusal = http_refusal_of(e);
    http_reply(x, refusal ? refusal->status : 500, "application/json",
               arena_printf(&x->arena, "{\"status\":\"error\",\"message\":\"%s\"}", e->msg));
}

static const struct http_route service_routes[] = {
    { "GET", "/health", reply_health, HTTP_PUBLIC | HTTP_NO_BODY | HTTP_ADMIN, 0,
      "docs/configuration.md; DataSnap: GET /health" },
    { "GET", "/metrics", reply_metrics, HTTP_PUBLIC | HTTP_NO_BODY | HTTP_ADMIN, 0, "docs/configuration.md" },
};
static const char *const service_prefixes[] = { "/health", "/metrics", NULL };

void service_init(struct service *s)
{
    s->http_api = (struct http_api){ .name = s->name,
                                     .routes = service_routes,
                                     .route_count = s->with_metrics ? 2 : 1,
                                     .prefixes = service_prefixes,
                                     .on_all_hosts = true,
                                     .fail = fail_service_request,
                                     .context = s };
}
