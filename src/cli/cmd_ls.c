/* SPDX-License-Identifier: Apache-2.0 */
/* cais ls: list the files of the server. */
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 100 }; /* files that one request asks for */

enum { COLUMNS = 7 };

static void print_table(struct cli *cli, const struct client_page *list)
{
    size_t count = list->count;
    struct arena *a = cli->arena;
    static const char *const titles[COLUMNS] = { "ID", "STATE", "SIZE", "OWNER", "WAY", "CREATED", "NAME" };
    slice(*cells)[COLUMNS] = arena_alloc_array(a, sizeof *cells, count + 1);
    size_t widths[COLUMNS] = { 0 };
    for (size_t c = 0; c < COLUMNS; c++)
        cells[0][c] = slice_of(titles[c]);
    for (size_t i = 0; i < count; i++) {
        const struct client_file *f = &list->files[i];
        const slice row[COLUMNS] = {
            f->id,         f->state, size_for_people(a, f->size_bytes), f->owner.n ? f->owner : S("-"), f->way,
            f->created_at, f->name
        };
        for (size_t c = 0; c < COLUMNS; c++)
            cells[i + 1][c] = terminal_safe(a, row[c]);
    }
    for (size_t i = 0; i <= count; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            if (terminal_width(cells[i][c]) > widths[c])
                widths[c] = terminal_width(cells[i][c]);
    for (size_t i = 0; i <= count; i++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            slice cell = cells[i][c];
            int pad = (int)(widths[c] - terminal_width(cell));
            bool right = c == 2, last = c == COLUMNS - 1;
            fprintf(cli->out, "%*s" SLICE_FMT "%*s%s", right ? pad : 0, "", SLICE_ARG(cell), right || last ? 0 : pad,
                    "", last ? "\n" : "  ");
        }
    }
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

static err_t list_files(const struct cli *cli, struct client *client, size_t limit, struct client_page *list)
{
    do {
        struct client_page page;
        size_t wanted = limit - list->count;
        slice after = list->next;
        TRY(client_list(client, wanted < PAGE ? (int64_t)wanted : PAGE, after, cli->arena, &page));
        if (page.next.n && (!page.count || slice_eq(page.next, after)))
            return err_make(cli->arena, ERR_CORRUPT, "the server's list leads in circles");
        append_files(&list->files, &list->count, page.files, page.count < wanted ? page.count : wanted);
        list->next = page.next;
    } while (list->next.n && list->count < limit);
    return NULL;
}

static void free_page_filesp(struct client_page *page)
{
    free(page->files);
}

static int run_ls(struct cli *cli)
{
    int64_t limit = PAGE;
    if (!option_number(cli, "limit", 1, 1000000, &limit))
        return EXIT_USAGE;
    SCOPED(session_close) struct session session = { 0 };
    int status = session_open(cli, &session);
    if (status != EXIT_DONE)
        return status;
    SCOPED(free_page_filesp) struct client_page list = { .next = slice_of(option_value(cli->options, "after")) };
    err_t e = list_files(cli, session.client, (size_t)limit, &list);
    if (e)
        return command_failed(cli, e);
    if (option_on(cli->options, "json"))
        print_list(cli, &list);
    else
        print_table(cli, &list);
    if (list.next.n && !option_on(cli->options, "json"))
        fprintf(cli->err, "There are more: --limit shows them, now at %lld.\n", (long long)limit);
    return EXIT_DONE;
}

const struct command command_ls = {
    .name = "ls",
    .options = (const struct option_spec[]){ { "limit", 0, "N", false, "Show at most so many (default 100)." },
                                             { "after", 0, "CURSOR", false, "Go on where 'next' of a list left off." },
                                             SESSION_OPTIONS,
                                             { 0 } },
    .summary = "List files, newest first.",
    .run = run_ls,
};
