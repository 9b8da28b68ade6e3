/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks over a sender of the test: the outbox, pauses, attempts, fairness, and addresses. */
#include "test.h"
#include "world.h"

#include "base/network.h"
#include "core/store/webhook_store.h"
#include "core/webhook/webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers what was sent, in its order, with the next status of `statuses` (the last one again and again); 0 is no answer. */
struct fake_sender {
    struct hook_sender sender;
    const int *statuses;
    int64_t tags[256];
    size_t begun, ended, most;
    char last_body[512];
};

static err_t fake_begin(struct hook_sender *s, const struct hook_request *r, struct arena *a)
{
    struct fake_sender *f = CONTAINER_OF(s, struct fake_sender, sender);
    (void)a;
    assert_true(f->begun < LENGTH_OF(f->tags));
    f->tags[f->begun++] = r->tag;
    f->most = f->begun - f->ended > f->most ? f->begun - f->ended : f->most;
    snprintf(f->last_body, sizeof f->last_body, SLICE_FMT, SLICE_ARG(r->body));
    return NULL;
}

static bool fake_next(struct hook_sender *s, int64_t wait_ms, struct arena *a, struct hook_result *ret)
{
    struct fake_sender *f = CONTAINER_OF(s, struct fake_sender, sender);
    (void)wait_ms, (void)a;
    if (f->ended == f->begun)
        return false;
    *ret = (struct hook_result){ .tag = f->tags[f->ended++], .status = *f->statuses, .body = S("") };
    ret->error = *f->statuses ? NULL : "nobody answers";
    f->statuses += f->statuses[1] >= 0;
    return true;
}

static void fake_cancel(struct hook_sender *s)
{
    struct fake_sender *f = CONTAINER_OF(s, struct fake_sender, sender);
    f->ended = f->begun;
}

static const struct hook_sender_ops fake_ops = { fake_begin, fake_next, fake_cancel };

struct hooked {
    struct world *w;
    struct fake_sender f;
    int64_t id;
};

/* A world with a webhook of the account. statuses ends with -1. */
static void hook_world(struct hooked *h, struct world *w, const int *statuses)
{
    slice secret;
    *h = (struct hooked){ .w = w, .f = { .sender = { &fake_ops }, .statuses = statuses } };
    world_user(w, S("ana"));
    webhook_use(&w->core, &h->f.sender, NULL, 0);
    struct webhook_request r = { .account_id = w->operator_.account_id,
                                 .format = &webhook_events_format,
                                 .url = S("https://example.org/hook"),
                                 .events = S(""),
                                 .secret = S("") };
    EXPECT_OK(webhook_add(&w->core, &w->operator_, &r, w->a, &h->id, &secret));
    assert_true(slice_starts(secret, S("whsec_")) && secret.n == 6 + 44);
}

static struct webhook_delivery first_delivery(const struct hooked *h)
{
    struct webhook_delivery_list list;
    EXPECT_OK(webhook_deliveries(&h->w->core, h->id, 0, false, h->w->a, &list));
    assert_true(list.count > 0);
    return list.items[0];
}

static struct webhook only_webhook(const struct hooked *h)
{
    struct webhook_list list;
    EXPECT_OK(webhook_list(&h->w->core, h->w->a, &list));
    EXPECT_EQ(list.count, 1);
    return list.items[0];
}

TEST(a_delivery_is_in_the_transaction_of_its_change)
{
    WORLD(w);
    struct hooked h;
    hook_world(&h, w, (const int[]){ 200, -1 });
    struct principal ana = world_principal(w, S("ana"));
    world_store(w, &ana, S("a.pdf"), S("hello"), minutes(10));
    struct webhook_delivery d = first_delivery(&h);
    EXPECT_SLICE(d.action, S("file.store"));
    EXPECT_EQ(d.state, DELIVERY_WAITING);
    EXPECT_EQ(only_webhook(&h).waiting, 1);
    EXPECT_EQ(h.f.begun, 0);
    world_run_jobs(w);
    EXPECT_EQ(h.f.begun, 1);
    assert_non_null(strstr(h.f.last_body, "\"name\":\"a.pdf\""));
    d = first_delivery(&h);
    EXPECT_EQ(d.state, DELIVERY_DONE);
    EXPECT_EQ(d.status, 200);
    EXPECT_EQ(only_webhook(&h).waiting, 0);
}

TEST(pauses_grow_until_a_delivery_is_given_up)
{
    WORLD(w);
    struct hooked h;
    hook_world(&h, w, (const int[]){ 0, 503, -1 });
    int64_t delivery;
    EXPECT_OK(webhook_test(&w->core, &w->operator_, h.id, w->a, &delivery));
    const struct webhook_format *format = &webhook_events_format;
    for (size_t i = 0; i < format->pause_count; i++) {
        world_run_jobs(w);
        struct webhook_delivery d = first_delivery(&h);
        int64_t pause = d.next_at_ms - clock_now_ms(&w->clock.clock);
        EXPECT_EQ(d.state, DELIVERY_WAITING);
        EXPECT_EQ(d.attempts, (int64_t)i + 1);
        EXPECT_SLICE(d.error, i ? S("the answer was 503") : S("nobody answers"));
        EXPECT(pause >= format->pauses_ms[i] && pause <= format->pauses_ms[i] * 6 / 5);
        world_wait(w, pause - 1);
        world_run_jobs(w);
        EXPECT_EQ(h.f.begun, i + 1); /* not before its time */
        world_wait(w, 1);
    }
    world_run_jobs(w);
    struct webhook_delivery d = first_delivery(&h);
    EXPECT_EQ(d.state, DELIVERY_FAILED);
    EXPECT_EQ(h.f.begun, format->pause_count + 1);
    EXPECT_EQ(only_webhook(&h).waiting, 0);
    int64_t count;
    EXPECT_OK(webhook_retry_failed(&w->core, &w->operator_, h.id, w->a, &count));
    EXPECT_EQ(count, 1);
    EXPECT_EQ(only_webhook(&h).waiting, 1);
    EXPECT_EQ(first_delivery(&h).attempts, 0);
    EXPECT_OK(webhook_retry_failed(&w->core, &w->operator_, h.id, w->a, &count));
    EXPECT_EQ(count, 0);
    world_wait(w, hours(24 * 365));
    world_run_jobs(w); /* given up again, as its time has passed only once */
}

TEST(only_a_few_are_sent_to_one_webhook_at_a_time)
{
    WORLD(w);
    struct hooked h;
    hook_world(&h, w, (const int[]){ 200, -1 });
    int64_t delivery;
    for (int i = 0; i < 20; i++)
        EXPECT_OK(webhook_test(&w->core, &w->operator_, h.id, w->a, &delivery));
    world_run_jobs(w);
    EXPECT_EQ(h.f.ended, 20);
    EXPECT_EQ(h.f.most, 2);
}

static err_t fill_outbox(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct hooked *h = arg;
    struct event e = { .account_id = h->w->operator_.account_id,
                       .action = S("file.store"),
                       .subject = S("x"),
                       .detail = S(""),
                       .request_id = S("") };
    for (int64_t i = 0; i < WEBHOOK_WAITING_MAX + 3; i++) {
        SCRATCH(scratch);
        TRY(webhook_enqueue(tx, &e, &scratch));
    }
    (void)a;
    return NULL;
}

TEST(what_comes_while_too_many_wait_is_counted_and_dropped)
{
    WORLD(w);
    struct hooked h;
    hook_world(&h, w, (const int[]){ 200, -1 });
    EXPECT_OK(meta_write(w->core.meta, fill_outbox, &h, w->a));
    struct webhook hook = only_webhook(&h);
    EXPECT_EQ(hook.waiting, WEBHOOK_WAITING_MAX);
    EXPECT_EQ(hook.dropped, 3);
    EXPECT_OK(webhook_remove(&w->core, &w->operator_, h.id, w->a));
    struct webhook_list list;
    EXPECT_OK(webhook_list(&w->core, w->a, &list));
    EXPECT_EQ(list.count, 0);
}

TEST(deliveries_that_ended_are_forgotten_with_the_jobs)
{
    WORLD(w);
    struct hooked h;
    hook_world(&h, w, (const int[]){ 200, -1 });
    int64_t delivery;
    EXPECT_OK(webhook_test(&w->core, &w->operator_, h.id, w->a, &delivery));
    world_run_jobs(w);
    world_wait(w, WORLD_JOBS_KEPT_MS - minutes(2));
    world_run_jobs(w);
    EXPECT_EQ(first_delivery(&h).id, delivery);
    world_wait(w, minutes(4));
    world_run_jobs(w);
    struct webhook_delivery_list list;
    EXPECT_OK(webhook_deliveries(&w->core, h.id, 0, false, w->a, &list));
    EXPECT_EQ(list.count, 0);
}

TEST(a_webhook_without_its_master_key_fails_and_stays)
{
    WORLD(w);
    struct hooked h;
    hook_world(&h, w, (const int[]){ 200, -1 });
    int64_t delivery;
    EXPECT_OK(webhook_test(&w->core, &w->operator_, h.id, w->a, &delivery));
    struct seal *seal = w->core.seal;
    w->core.seal = NULL;
    world_run_jobs(w);
    w->core.seal = seal;
    EXPECT_EQ(h.f.begun, 0);
    EXPECT_EQ(first_delivery(&h).attempts, 1);
    EXPECT_EQ(first_delivery(&h).state, DELIVERY_WAITING);
}

TEST(uppy_2811_no_private_address_is_public)
{
    static const char *const special[] = { "0.0.0.0",
                                           "10.1.2.3",
                                           "100.64.0.1",
                                           "127.0.0.1",
                                           "127.255.255.255",
                                           "169.254.169.254",
                                           "172.16.0.1",
                                           "172.31.255.255",
                                           "192.0.0.8",
                                           "192.0.2.1",
                                           "192.168.255.1",
                                           "198.18.0.1",
                                           "198.19.255.255",
                                           "198.51.100.7",
                                           "203.0.113.7",
                                           "224.0.0.1",
                                           "239.1.1.1",
                                           "240.0.0.1",
                                           "255.255.255.255",
                                           "::",
                                           "::1",
                                           "::127.0.0.1",
                                           "::ffff:10.0.0.1",
                                           "64:ff9b::a00:1",
                                           "100::1",
                                           "2001::1",
                                           "2001:db8::1",
                                           "2002:a00:1::",
                                           "fc00::1",
                                           "fd12::1",
                                           "fe80::1",
                                           "fec0::1",
                                           "ff02::1",
                                           "3fff::1" };
    static const char *const public[] = { "1.1.1.1",         "8.8.8.8",        "9.255.255.255",       "11.0.0.0",
                                          "100.63.255.255",  "100.128.0.0",    "172.15.0.1",          "172.32.0.0",
                                          "192.167.255.255", "198.17.255.255", "198.20.0.0",          "223.255.255.255",
                                          "2606:4700::1111", "2a00:1450::8a",  "2001:4860:4860::8888" };
    struct network n;
    for (size_t i = 0; i < LENGTH_OF(special); i++) {
        assert_true(network_parse(slice_of(special[i]), &n));
        if (network_is_public(n.address))
            fail_msg("%s is taken for public", special[i]);
    }
    for (size_t i = 0; i < LENGTH_OF(public); i++) {
        assert_true(network_parse(slice_of(public[i]), &n));
        if (!network_is_public(n.address))
            fail_msg("%s is not taken for public", public[i]);
    }
}

TEST(networks_have_the_addresses_below_them)
{
    struct network ten, one, six, at;
    assert_true(network_parse(S("10.0.0.0/9"), &ten) && network_parse(S("10.1.2.3"), &one) &&
                network_parse(S("fd00::/12"), &six));
    assert_true(network_parse(S("10.127.255.255"), &at) && network_has(&ten, at.address));
    assert_true(network_parse(S("10.128.0.0"), &at) && !network_has(&ten, at.address));
    assert_true(network_parse(S("10.1.2.3"), &at) && network_has(&one, at.address));
    assert_true(network_parse(S("10.1.2.4"), &at) && !network_has(&one, at.address));
    assert_true(network_parse(S("fd0f::1"), &at) && network_has(&six, at.address) && !network_has(&ten, at.address));
    static const char *const bad[] = { "",           "10.0.0", "10.0.0.0/33", "fd00::/129",
                                       "10.0.0.0/x", "a",      "10.0.0.0/",   "::1%lo" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT(!network_parse(slice_of(bad[i]), &at));
}

RUN_TESTS(cmocka_unit_test(a_delivery_is_in_the_transaction_of_its_change),
          cmocka_unit_test(pauses_grow_until_a_delivery_is_given_up),
          cmocka_unit_test(only_a_few_are_sent_to_one_webhook_at_a_time),
          cmocka_unit_test(what_comes_while_too_many_wait_is_counted_and_dropped),
          cmocka_unit_test(deliveries_that_ended_are_forgotten_with_the_jobs),
          cmocka_unit_test(a_webhook_without_its_master_key_fails_and_stays),
          cmocka_unit_test(uppy_2811_no_private_address_is_public),
          cmocka_unit_test(networks_have_the_addresses_below_them))
