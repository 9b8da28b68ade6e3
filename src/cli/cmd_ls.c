/* SPDX-License-Identifier: Apache-2.0 */
/* cais ls: list the files of the server, and behind them the objects in its buckets. The cursor of the whole list is that of the
 * files; or "s3:", and then that of the objects. */
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/session.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS "s3:"
#define OBJECT_PLACE "s3://"

/* What can be compared with an MD5 that somebody computed, if anything. */
static slice digest_of(const struct client_file *f)
{
    bool has_bytes = !slice_eq(f->state, S("issued"));
    return !has_bytes ? S("-") : f->md5.n ? f->md5 : f->etag;
}

static const struct listing_layout file_layout = {
    .columns =
        (const struct listing_column[]){
            { NULL, "ID", LISTING_TEXT },
            { NULL, "STATE", LISTING_TEXT, 0, 3 },
            { NULL, "SIZE", LISTING_SIZE },
            { NULL, "MD5", LISTING_TEXT, 0, 6 },
            { NULL, "OWNER", LISTING_TEXT, LISTING_CUT, 4 },
            { NULL, "ORIGIN", LISTING_TEXT, 0, 5 },
            { NULL, "CREATED", LISTING_TIME, 0, 2 },
            { NULL, "NAME", LISTING_TEXT, LISTING_CUT },
        },
    .count = 8,
    .none = "There are no files yet: 'cais put FILE' sends one.",
    .limit = 100,
    .has_cursors = true,
    .is_one_object = true,
};

static void add_file(struct listing *list, const struct client_file *f)
{
    int64_t created_at_ms = 0;
    if (!time_parse_utc(f->created_at, &created_at_ms))
        created_at_ms = 0;
    listing_text(list, f->id);
    listing_text(list, f->state);
    listing_size(list, f->size_bytes);
    listing_text(list, digest_of(f));
    listing_text(list, f->owner);
    listing_text(list, f->way);
    listing_time(list, created_at_ms);
    listing_text(list, f->name);
}

static void print_table(struct listing *list, const struct client_page *files)
{
    for (size_t i = 0; i < files->count; i++) {
        add_file(list, &files->files[i]);
        listing_end_row_at(list, S(""));
    }
    if (files->next.n)
        listing_has_more(list, files->next);
}

static void print_list(struct cli *cli, const struct client_page *list)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out o;
    json_out_init(&o, &text);
    json_open_object(&o);
    json_name(&o, "files");
    json_open_array(&o);
    for (size_t i = 0; i < list->count; i++)
        json_add_value(&o, list->files[i].json);
    json_close_array(&o);
    if (list->next.n)
        json_put_string(&o, "next", list->next);
    json_close_object(&o);
    fwrite(text.p, 1, text.n, cli->out);
    fputc('\n', cli->out);
}

/* Append a page to the array, which is on the heap. */
static void append_files(struct client_file **files, size_t *count, const struct client_file *page, size_t page_count)
{
    struct client_file *all = must_realloc(*files, (*count + page_count + 1) * sizeof *all);
    if (page_count)
        memcpy(all + *count, page, page_count * sizeof *all);
    *files = all;
    *count += page_count;
}

/* The bucket, or the beginning of the keys in it, whose objects alone are wanted; empty: everything. */
static slice place_of(const struct cli *cli)
{
    return cli->options->operand_count ? slice_of(cli->options->operands[0]) : S("");
}

/* What the options ask for. */
static struct client_wanted wanted_of(const struct cli *cli, enum client_list list)
{
    return (struct client_wanted){ .list = list,
                                   .owner = slice_of(option_value(cli->options, "user")),
                                   .task = slice_of(option_value(cli->options, "task")),
                                   .folder = slice_of(option_value(cli->options, "folder")),
                                   .place = place_of(cli) };
}

/* Objects are in no task and in no folder. */
static bool wants_objects(const struct cli *cli)
{
    return !option_value(cli->options, "task") && !option_value(cli->options, "folder");
}

/* Append pages, from list->next on, until there are enough or no more: then list->next is empty. */
static err_t list_pages(const struct cli *cli, struct client *client, const struct client_wanted *which, size_t limit,
                        struct client_page *list)
{
    do {
        struct client_page page;
        size_t wanted = limit - list->count;
        slice after = list->next;
        TRY(client_list(client, which, wanted < CLIENT_PAGE_MAX ? (int64_t)wanted : CLIENT_PAGE_MAX, after, cli->arena,
                        &page));
        bool comes_further = (page.count || which->list == CLIENT_OBJECTS) && !slice_eq(page.next, after);
        if (page.next.n && !comes_further)
            return err_make(cli->arena, ERR_CORRUPT, "the server's list leads in circles");
        append_files(&list->files, &list->count, page.files, page.count < wanted ? page.count : wanted);
        list->next = page.next;
    } while (list->next.n && list->count < limit);
    return NULL;
}

/* list->next: of the whole list, before and after. */
static err_t list_objects(const struct cli *cli, struct client *client, size_t limit, struct client_page *list)
{
    struct client_wanted wanted = wanted_of(cli, CLIENT_OBJECTS);
    list->next = slice_from(list->next, S(OBJECTS).n);
    TRY(list_pages(cli, client, &wanted, limit, list));
    if (list->next.n)
        list->next = arena_printf(cli->arena, OBJECTS SLICE_FMT, SLICE_ARG(list->next));
    return NULL;
}

/* The limit was reached with the last file: do objects follow? */
static err_t look_for_objects(const struct cli *cli, struct client *client, struct client_page *list)
{
    struct client_page page;
    struct client_wanted wanted = wanted_of(cli, CLIENT_OBJECTS);
    TRY(client_list(client, &wanted, 1, S(""), cli->arena, &page));
    list->next = page.count || page.next.n ? S(OBJECTS) : S("");
    return NULL;
}

static err_t list_all(const struct cli *cli, struct client *client, size_t limit, struct client_page *list)
{
    if (place_of(cli).n && !list->next.n)
        list->next = S(OBJECTS);
    if (!slice_starts(list->next, S(OBJECTS))) {
        struct client_wanted wanted = wanted_of(cli, CLIENT_FILES);
        TRY(list_pages(cli, client, &wanted, limit, list));
        if (list->next.n || !wants_objects(cli))
            return NULL;
    }
    return list->count < limit ? list_objects(cli, client, limit, list) : look_for_objects(cli, client, list);
}

static void free_page_filesp(struct client_page *page)
{
    free(page->files);
}

/* Says what the server looked for and did not find. */
static err_t not_found(const struct cli *cli, err_t e)
{
    static const char *const options[] = { "user", "task", "folder" };
    if (err_is(e, ERR_NOT_FOUND) && place_of(cli).n && slice_starts(slice_of(e->msg), S("no such bucket"))) {
        slice bucket, prefix;
        slice_cut(slice_from(place_of(cli), S(OBJECT_PLACE).n), '/', &bucket, &prefix);
        return err_make(cli->arena, ERR_NOT_FOUND, "there is no bucket %s that you may see", admin_text(cli, bucket));
    }
    for (size_t i = 0; i < LENGTH_OF(options) && err_is(e, ERR_NOT_FOUND); i++) {
        slice value = slice_of(option_value(cli->options, options[i]));
        if (!value.n || !slice_starts(slice_of(e->msg), arena_printf(cli->arena, "no such %s", options[i])))
            continue;
        if (i == 0 && !option_value(cli->options, "url"))
            return admin_no_such(cli, e, "user", value, "user list");
        return err_make(cli->arena, ERR_NOT_FOUND, "there is no %s %s that you may see", options[i],
                        admin_text(cli, value));
    }
    return e;
}

static bool check_options(struct cli *cli)
{
    int64_t number = 0;
    const char *task = option_value(cli->options, "task"), *folder = option_value(cli->options, "folder");
    if (task && (!slice_to_i64(slice_of(task), &number) || number < 1)) {
        usage_error(cli->err, cli->options->command, "--task: '%s' is not the number of a task", task);
        return false;
    }
    if (folder && (!folder[0] || (slice_to_i64(slice_of(folder), &number) && number < 1))) {
        usage_error(cli->err, cli->options->command, "--folder: '%s' is neither the number nor the path of a folder",
                    folder);
        return false;
    }
    slice place = place_of(cli), bucket = slice_from(place, S(OBJECT_PLACE).n);
    if (place.n && (!slice_starts(place, S(OBJECT_PLACE)) || !bucket.n || bucket.p[0] == '/')) {
        usage_error(cli->err, cli->options->command, "'%s' is not s3://BUCKET or s3://BUCKET/PREFIX", place.p);
        return false;
    }
    if (place.n && (task || folder)) {
        usage_error(cli->err, cli->options->command, "objects are in no task and no folder");
        return false;
    }
    if (!task || !folder)
        return true;
    usage_error(cli->err, cli->options->command, "--task and --folder exclude each other");
    return false;
}

static int run_ls(struct cli *cli)
{
    struct listing table;
    if (!check_options(cli))
        return EXIT_USAGE;
    if (!listing_begin(&table, cli, &file_layout))
        return EXIT_USAGE;
    SCOPED(session_close) struct session session = { 0 };
    int status = session_open(cli, &session);
    if (status != EXIT_DONE)
        return status;
    SCOPED(free_page_filesp) struct client_page list = { .next = table.after };
    err_t e = not_found(cli, list_all(cli, session.client, (size_t)table.piece, &list));
    if (!e && table.as_json)
        print_list(cli, &list);
    else if (!e)
        print_table(&table, &list);
    return listing_end(&table, e);
}

const struct command command_ls = {
    .name = "ls",
    .operands = "[s3://BUCKET[/PREFIX]]",
    .max_operands = 1,
    .options = (const struct option_spec[]){ { "user", 0, "LOGIN", false, "Only what this user owns." },
                                             { "task", 0, "ID", false, "Only files attached to this task." },
                                             { "folder", 0, "FOLDER", false,
                                               "Only files in this folder: its number, path or name." },
                                             { "limit", 0, "N", false, "Show at most so many (default 100)." },
                                             LISTING_AFTER_OPTIONS,
                                             SESSION_OPTIONS,
                                             { 0 } },
    .summary = "List files, newest first, and the objects in buckets.",
    .details =
        "Files come first, the newest at the top; then the objects that came by S3, by bucket and key. The ID of an\n"
        "object is s3://BUCKET/KEY: 'cais get' fetches both kinds, and 'cais rm' removes them. With s3://BUCKET only "
        "its\n"
        "objects are listed, with /PREFIX only those whose keys begin so. The MD5 of an object that was uploaded in "
        "parts is "
        "that\n"
        "of the MD5s of its parts, and ends with their number.\n"
        "--user goes with --task or --folder. Objects are in no task and no folder. The files of a task are those of "
        "its\n"
        "comments, too; those of a folder are the ones in it, and not in the folders below. A folder is named by its "
        "number,\n"
        "or by its path as people see it: the name of the space, then those of folders, as in 'Invoices/2026/May'. Of "
        "several\n"
        "spaces of one name the right one is found with the paths of its environment and course before it. A name "
        "alone\n"
        "is that of a space, or else of any one folder. Upper and lower case are the same.\n",
    .run = run_ls,
};
