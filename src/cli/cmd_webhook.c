/* SPDX-License-Identifier: Apache-2.0 */
/* cais webhook: addresses that are told of changes, and what they were told. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_line.h"
#include "cli/listing.h"

#include "api/apis.h"
#include "base/network.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/webhook/webhook.h"

#include <string.h>

static const char *const state_names[] = {
    [DELIVERY_WAITING] = "waiting", [DELIVERY_DONE] = "delivered", [DELIVERY_FAILED] = "failed"
};

static bool parse_id(const struct cli *cli, const char *text, const char *what, int64_t *ret)
{
    uint64_t id;
    if (slice_to_u64(slice_of(text), &id) && id > 0 && id <= INT64_MAX) {
        *ret = (int64_t)id;
        return true;
    }
    usage_error(cli->err, cli->options->command, "'%s' is not the number of a %s", text, what);
    return false;
}

/* ---- add ---- */

/* The module whose webhooks are asked for; NULL: those of events. */
static bool find_webhook_module(const struct cli *cli, const struct api_module **ret)
{
    const char *name = option_value(cli->options, "for");
    *ret = NULL;
    if (!name || strcmp(name, webhook_events_format.name) == 0)
        return true;
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->webhook && strcmp(api_modules[i]->name, name) == 0) {
            *ret = api_modules[i];
            return true;
        }
    return false;
}

static const char *list_formats(struct arena *a)
{
    slice text = slice_of(webhook_events_format.name);
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->webhook)
            text = arena_printf(a, SLICE_FMT ", %s", SLICE_ARG(text), api_modules[i]->name);
    return text.p;
}

static slice join_events(const struct cli *cli)
{
    slice text = S("");
    const char *one;
    for (size_t n = 0; (one = option_nth(cli->options, "event", n)); n++)
        text = arena_printf(cli->arena, SLICE_FMT "%s%s", SLICE_ARG(text), text.n ? " " : "", one);
    return text;
}

/* Where an API signs with a key of the user, that is a key made for this webhook. */
static err_t make_secret(struct cli *cli, struct admin *admin, const struct api_module *m, struct webhook_request *r)
{
    struct minted_key minted;
    const char *login = option_value(cli->options, "user");
    if (!login)
        return NULL;
    struct user user;
    TRY(admin_no_such(cli, user_by_login(&admin->store->core, slice_of(login), cli->arena, &user), "user",
                      slice_of(login), "user list"));
    r->account_id = user.account_id;
    r->user_id = user.id;
    if (!m || !r->format->needs_user)
        return NULL;
    struct key_request key = { .login = user.login, .purpose = slice_of(m->name), .role = KEY_ADMIN };
    TRY(key_mint(&admin->store->core, &admin->who, &key, cli->arena, &minted));
    r->secret = minted.key;
    return NULL;
}

static void print_secret(struct cli *cli, int64_t id, slice secret)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "webhook %lld\nsecret: " SLICE_FMT "\n", (long long)id, SLICE_ARG(secret));
        return;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "id", id);
    json_put_string(&line.o, "secret", secret);
    json_line_print(&line, cli->out);
}

/* The host of a URL by plain HTTP, without the brackets of IPv6; empty: another URL. */
static slice plain_host(slice url)
{
    slice head = S("http://"), host = slice_starts(url, head) ? slice_from(url, head.n) : S("");
    char end[] = "/?#";
    for (const char *c = end; *c; c++)
        if (slice_find_byte(host, *c) != SLICE_NONE)
            host = slice_part(host, 0, slice_find_byte(host, *c));
    size_t close = slice_find_byte(host, ']');
    if (slice_starts(host, S("[")) && close != SLICE_NONE)
        return slice_part(host, 1, close - 1);
    size_t colon = slice_find_byte(host, ':');
    return colon == SLICE_NONE ? host : slice_part(host, 0, colon);
}

/* Plain HTTP goes to addresses of webhooks.networks alone. What a name leads to is known when something is sent: then the sender
 * checks it (hook/hook.h). Without a network it can lead to none that is allowed. */
static err_t check_plain_http(const struct cli *cli, const struct admin *admin, slice url)
{
    const struct config_list *networks = &admin->config->webhooks.networks;
    slice host = plain_host(url);
    struct network address, one;
    bool is_address = network_parse(host, &address), is_allowed = !host.n || (networks->count && !is_address);
    for (size_t i = 0; i < networks->count && is_address; i++)
        is_allowed = is_allowed || (network_parse(networks->items[i], &one) && network_has(&one, address.address));
    return is_allowed ? NULL
                      : err_make(cli->arena, ERR_INVALID,
                                 "plain http is for addresses that webhooks.networks lists, and %s is none: use https",
                                 admin_text(cli, host));
}

static int webhook_add_work(struct cli *cli, struct admin *admin)
{
    const struct api_module *m;
    struct principal operator_;
    int64_t id;
    slice secret;
    if (!find_webhook_module(cli, &m))
        return usage_error(cli->err, cli->options->command, "there are no webhooks for '%s'; there are: %s",
                           option_value(cli->options, "for"), list_formats(cli->arena));
    struct webhook_request r = { .format = m ? m->webhook : &webhook_events_format,
                                 .url = slice_of(cli->options->operands[0]),
                                 .events = join_events(cli),
                                 .secret = S("") };
    if (r.format->needs_user && !option_value(cli->options, "user"))
        return usage_error(cli->err, cli->options->command, "webhooks for %s are of a user: --user", r.format->name);
    err_t e = admin_operator(cli, admin, &operator_);
    r.account_id = e ? 0 : operator_.account_id;
    if (!e)
        e = check_plain_http(cli, admin, r.url);
    if (!e)
        e = make_secret(cli, admin, m, &r);
    if (!e)
        e = webhook_add(&admin->store->core, &admin->who, &r, cli->arena, &id, &secret);
    if (e)
        return command_failed(cli, e);
    print_secret(cli, id, secret);
    return EXIT_DONE;
}

/* ---- list, remove ---- */

static const struct listing_layout webhook_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", "WEBHOOK", LISTING_NUMBER },
            { "for", "FOR", LISTING_TEXT },
            { "url", "URL", LISTING_TEXT, LISTING_CUT },
            { "events", "EVENTS", LISTING_TEXT, LISTING_CUT, 1 },
            { "account", NULL, LISTING_NUMBER },
            { "user", NULL, LISTING_NUMBER },
            { "waiting", "WAITING", LISTING_NUMBER },
            { "dropped", "DROPPED", LISTING_NUMBER },
            { "created_at", "CREATED", LISTING_TIME, 0, 2 },
        },
    .count = 9,
    .none = "There are no webhooks: 'cais webhook add URL' makes one.",
};

static void add_webhook(struct listing *list, const struct webhook *h)
{
    listing_number(list, h->id);
    listing_text(list, h->format);
    listing_text(list, h->url);
    listing_text(list, h->events);
    listing_number(list, h->account_id);
    listing_number(list, h->user_id);
    listing_number(list, h->waiting);
    listing_number(list, h->dropped);
    listing_time(list, h->created_at_ms);
}

static int webhook_list_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    struct webhook_list webhooks = { 0 };
    if (!listing_begin(&list, cli, &webhook_layout))
        return EXIT_USAGE;
    err_t e = webhook_list(&admin->store->core, cli->arena, &webhooks);
    for (size_t i = 0; !e && i < webhooks.count; i++) {
        if (webhooks.items[i].id <= list.page.after_id)
            continue;
        add_webhook(&list, &webhooks.items[i]);
        listing_end_row(&list, webhooks.items[i].id);
    }
    return listing_end(&list, e);
}

static int report_number(struct cli *cli, const char *name, int64_t number, const char *words)
{
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "%lld %s\n", (long long)number, words);
        return EXIT_DONE;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, name, number);
    json_line_print(&line, cli->out);
    return EXIT_DONE;
}

static int webhook_remove_work(struct cli *cli, struct admin *admin)
{
    int64_t id;
    if (!parse_id(cli, cli->options->operands[0], "webhook", &id))
        return EXIT_USAGE;
    err_t e = webhook_remove(&admin->store->core, &admin->who, id, cli->arena);
    e = admin_no_such(cli, e, "webhook", slice_of(cli->options->operands[0]), "webhook list");
    return e ? command_failed(cli, e) : report_number(cli, "removed", id, "removed");
}

/* ---- deliveries ---- */

static const struct listing_layout delivery_layout = {
    .columns =
        (const struct listing_column[]){
            { "id", "DELIVERY", LISTING_NUMBER },
            { "state", "STATE", LISTING_TEXT },
            { NULL, "WHEN", LISTING_TIME }, /* it is due, or it ended */
            { "event", "EVENT", LISTING_TEXT },
            { "subject", "SUBJECT", LISTING_TEXT, LISTING_CUT, 1 },
            { "happened_at", NULL, LISTING_TIME },
            { "next_at", NULL, LISTING_TIME },
            { "attempts", "TRIES", LISTING_NUMBER },
            { "status", "STATUS", LISTING_NUMBER, LISTING_ZERO_IS_NONE, 2 },
            { "error", "ERROR", LISTING_TEXT, LISTING_CUT },
        },
    .count = 10,
    .none = "There are no deliveries.",
};

static void add_delivery(struct listing *list, const struct webhook_delivery *d)
{
    bool waits = d->state == DELIVERY_WAITING;
    listing_number(list, d->id);
    listing_text(list, slice_of(state_names[d->state]));
    listing_time(list, waits ? d->next_at_ms : d->ended_at_ms);
    listing_text(list, d->action);
    listing_text(list, d->subject);
    listing_time(list, d->happened_at_ms);
    listing_time(list, waits ? d->next_at_ms : 0);
    listing_number(list, d->attempts);
    listing_number(list, d->status);
    listing_text(list, d->error);
    listing_end_row(list, d->id);
}

static err_t list_deliveries(struct cli *cli, struct admin *admin, int64_t webhook_id, struct listing *list)
{
    struct webhook_delivery_list page;
    int64_t after_id = list->page.after_id;
    bool only_failed = option_on(cli->options, "failed");
    do {
        TRY(webhook_deliveries(&admin->store->core, webhook_id, after_id, only_failed, cli->arena, &page));
        for (size_t i = 0; i < page.count; i++) {
            add_delivery(list, &page.items[i]);
            after_id = page.items[i].id;
        }
    } while (page.count == WEBHOOK_DELIVERIES_PAGE && !list->has_more);
    return NULL;
}

static int webhook_deliveries_work(struct cli *cli, struct admin *admin)
{
    struct listing list;
    int64_t id;
    if (!parse_id(cli, cli->options->operands[0], "webhook", &id))
        return EXIT_USAGE;
    if (!listing_begin(&list, cli, &delivery_layout))
        return EXIT_USAGE;
    return listing_end(&list, admin_no_such(cli, list_deliveries(cli, admin, id, &list), "webhook",
                                            slice_of(cli->options->operands[0]), "webhook list"));
}

static int webhook_retry_work(struct cli *cli, struct admin *admin)
{
    int64_t id, count = 1;
    const char *of = option_value(cli->options, "failed-of");
    bool has_operand = cli->options->operand_count > 0;
    if (has_operand == (of != NULL))
        return usage_error(cli->err, cli->options->command, "it takes a delivery, or --failed-of a webhook");
    if (!parse_id(cli, of ? of : cli->options->operands[0], of ? "webhook" : "delivery", &id))
        return EXIT_USAGE;
    struct core *core = &admin->store->core;
    err_t e = of ? webhook_retry_failed(core, &admin->who, id, cli->arena, &count)
                 : webhook_retry(core, &admin->who, id, cli->arena);
    e = admin_no_such(cli, e, of ? "webhook" : "delivery", slice_of(of ? of : cli->options->operands[0]),
                      of ? "webhook list" : "webhook deliveries ID");
    return e ? command_failed(cli, e) : report_number(cli, "due", count, "due now");
}

static int webhook_test_work(struct cli *cli, struct admin *admin)
{
    int64_t id, delivery;
    if (!parse_id(cli, cli->options->operands[0], "webhook", &id))
        return EXIT_USAGE;
    err_t e = webhook_test(&admin->store->core, &admin->who, id, cli->arena, &delivery);
    e = admin_no_such(cli, e, "webhook", slice_of(cli->options->operands[0]), "webhook list");
    return e ? command_failed(cli, e) : report_number(cli, "delivery", delivery, "is the delivery");
}

ADMIN_RUN(webhook_add)
ADMIN_RUN(webhook_list)
ADMIN_RUN(webhook_remove)
ADMIN_RUN(webhook_deliveries)
ADMIN_RUN(webhook_retry)
ADMIN_RUN(webhook_test)

const struct command command_webhook_add = {
    .name = "webhook add",
    .operands = "URL",
    .min_operands = 1,
    .max_operands = 1,
    .options =
        (const struct option_spec[]){
            { "for", 0, "FORMAT", false, "Whose webhooks (default events):", list_formats },
            { "user", 0, "LOGIN", false, "The user of whom it is told." },
            { "account", 0, "NAME", false, "The account (default: default), without --user." },
            { "event", 0, "ACTION", true, "The beginning of actions that it is told of, such as file.store." },
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Have an address told of changes.",
    .details = "The secret by which the receiver knows the sender is shown this once. The address must be a public "
               "one, by https, or\n"
               "be in webhooks.networks. docs/webhooks.md says what is sent.\n",
    .run = run_webhook_add,
};

const struct command command_webhook_list = {
    .name = "webhook list",
    .options = (const struct option_spec[]){ LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
    .summary = "List webhooks.",
    .run = run_webhook_list,
};

const struct command command_webhook_remove = {
    .name = "webhook remove",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Remove a webhook, with what it was not told yet.",
    .run = run_webhook_remove,
};

const struct command command_webhook_deliveries = {
    .name = "webhook deliveries",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .options =
        (const struct option_spec[]){
            { "failed", 0, NULL, false, "Only those that were given up." }, LISTING_OPTIONS, ADMIN_OPTIONS, { 0 } },
    .summary = "List what a webhook was told, and what it is to be told.",
    .details = "Deliveries that have ended are forgotten after jobs.keep_finished.\n",
    .run = run_webhook_deliveries,
};

const struct command command_webhook_retry = {
    .name = "webhook retry",
    .operands = "[DELIVERY]",
    .max_operands = 1,
    .options = (const struct option_spec[]){ { "failed-of", 0, "ID", false,
                                               "Every delivery of this webhook that was given up." },
                                             ADMIN_OPTIONS,
                                             { 0 } },
    .summary = "Deliver again now.",
    .run = run_webhook_retry,
};

const struct command command_webhook_test = {
    .name = "webhook test",
    .operands = "ID",
    .min_operands = 1,
    .max_operands = 1,
    .options = (const struct option_spec[]){ ADMIN_OPTIONS, { 0 } },
    .summary = "Send a message of the type webhook.test.",
    .run = run_webhook_test,
};
