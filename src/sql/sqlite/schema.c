/* SPDX-License-Identifier: Apache-2.0 */
/* A database file is also a program: its triggers and views run when somebody else writes and reads. SQLite keeps the text
 * of each CREATE statement, and the same scripts always leave the same texts. So the texts are compared with those of a
 * database in memory in which the scripts just ran. Comments and white space are left out, because a later version may
 * word the comments of a migration anew. The statistics of the query planner are data that an operator may
 * make. */
#include "sql/sqlite/schema_priv.h"

#include "base/buf.h"

#define SCHEMA_BYTES_MAX ((size_t)8 << 20) /* of both lists; that of this program has some 50 KiB */

struct schema_item {
    slice type, name, table, sql;
};
struct schema_items {
    struct schema_item *list;
    size_t count, room;
};

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c > 127;
}

static bool is_space_byte(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The length of the comment or white space with which the text begins; 0: it begins with something else. */
static size_t blank_length(slice text)
{
    size_t n = 0;
    while (n < text.n && is_space_byte(text.p[n]))
        n++;
    if (n)
        return n;
    bool is_line = slice_starts(text, S("--"));
    if (!is_line && !slice_starts(text, S("/*")))
        return 0;
    size_t end = slice_find(slice_from(text, 2), is_line ? S("\n") : S("*/"));
    return end == SLICE_NONE ? text.n : 2 + end + (is_line ? 1 : 2);
}

/* The length of the quoted text with which the text begins; otherwise 1. A quote inside is doubled, and then begins what
 * looks like a second quoted text, which is copied just the same. */
static size_t token_length(slice text)
{
    char quote = text.p[0] == '[' ? ']' : text.p[0];
    if (quote != '\'' && quote != '"' && quote != '`' && quote != ']')
        return 1;
    size_t end = slice_find_byte(slice_from(text, 1), quote);
    return end == SLICE_NONE ? text.n : end + 2;
}

/* White space is left only between two words. */
static slice without_blanks(slice text, struct arena *a)
{
    SCOPED(buf_releasep) struct buf out;
    buf_init(&out, 0);
    bool is_separated = false;
    while (text.n) {
        size_t n = blank_length(text);
        if (n) {
            is_separated = true;
        } else {
            if (is_separated && out.n && is_word_byte(out.p[out.n - 1]) && is_word_byte(text.p[0]))
                buf_add_byte(&out, ' ');
            is_separated = false;
            n = token_length(text);
            buf_add(&out, slice_part(text, 0, n));
        }
        text = slice_from(text, n);
    }
    return arena_copy_if_room(a, buf_slice(&out));
}

static slice text_column(sqlite3_stmt *stmt, int index, struct arena *a)
{
    const void *p = sqlite3_column_blob(stmt, index);
    return p ? arena_copy_if_room(a, (slice){ p, (size_t)sqlite3_column_bytes(stmt, index) }) : S("");
}

static void add_item(struct schema_items *items, const struct schema_item *item, struct arena *a)
{
    if (items->count == items->room) {
        struct schema_item *old = items->list;
        items->room = items->room ? items->room * 2 : 64;
        items->list = arena_array(a, struct schema_item, items->room);
        for (size_t i = 0; i < items->count; i++)
            items->list[i] = old[i];
    }
    items->list[items->count++] = *item;
}

static err_t read_items(sqlite3 *handle, struct arena *a, struct schema_items *ret)
{
    static const char text[] = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat_'"
                               " ORDER BY name, type, tbl_name, sql";
    sqlite3_stmt *stmt = NULL;
    struct schema_items items = { 0 };
    int result = sqlite3_prepare_v2(handle, text, -1, &stmt, NULL);
    while ((result == SQLITE_OK || result == SQLITE_ROW) && !arena_is_over(a)) {
        result = sqlite3_step(stmt);
        if (result == SQLITE_ROW)
            add_item(&items,
                     &(struct schema_item){ text_column(stmt, 0, a), text_column(stmt, 1, a), text_column(stmt, 2, a),
                                            without_blanks(text_column(stmt, 3, a), a) },
                     a);
    }
    err_t e = result == SQLITE_DONE ? NULL
                                    : err_because(a, err_library(a, "SQLite", sqlite3_errmsg(handle)),
                                                  (result & 0xff) == SQLITE_CORRUPT ? ERR_CORRUPT : ERR_UNAVAILABLE,
                                                  "cannot read the schema");
    if (arena_is_over(a))
        e = err_make(a, ERR_CORRUPT, "the schema of the database is larger than that of any version");
    sqlite3_finalize(stmt);
    if (!e)
        *ret = items;
    return e;
}

static err_t differs(struct arena *a, const struct schema_item *item, const char *how)
{
    return err_make(a, ERR_CORRUPT,
                    "the schema of the database is not that of its version: the " SLICE_FMT " " SLICE_FMT " %s",
                    SLICE_ARG(item->type), SLICE_ARG(item->name), how);
}

/* Both lists are sorted by name. */
static err_t compare_items(const struct schema_items *have, const struct schema_items *want, struct arena *a)
{
    for (size_t i = 0; i < have->count || i < want->count; i++) {
        const struct schema_item *h = i < have->count ? &have->list[i] : NULL;
        const struct schema_item *w = i < want->count ? &want->list[i] : NULL;
        int order = !h ? 1 : !w ? -1 : slice_cmp(h->name, w->name);
        if (order)
            return order < 0 ? differs(a, h, "does not belong in it") : differs(a, w, "is missing");
        if (!slice_eq(h->type, w->type) || !slice_eq(h->table, w->table) || !slice_eq(h->sql, w->sql))
            return differs(a, h, "is another one");
    }
    return NULL;
}

static err_t make_items(sqlite3 *fresh, const char *const *scripts, size_t count, struct arena *a,
                        struct schema_items *ret)
{
    for (size_t i = 0; i < count; i++)
        if (sqlite3_exec(fresh, scripts[i], NULL, NULL, NULL) != SQLITE_OK)
            return err_because(a, err_library(a, "SQLite", sqlite3_errmsg(fresh)), ERR_UNAVAILABLE,
                               "cannot make the schema");
    return read_items(fresh, a, ret);
}

err_t sqlite_schema_match(sqlite3 *handle, const char *const *scripts, size_t count, struct arena *a)
{
    struct schema_items have, want;
    SCRATCH(scratch);
    arena_set_limit(&scratch, SCHEMA_BYTES_MAX, NULL); /* somebody else may have made the database */
    sqlite3 *fresh = NULL;
    err_t e = read_items(handle, &scratch, &have);
    if (!e && sqlite3_open(":memory:", &fresh) != SQLITE_OK)
        e = err_make(&scratch, ERR_UNAVAILABLE, "cannot make a database in memory");
    if (!e)
        e = make_items(fresh, scripts, count, &scratch, &want);
    sqlite3_close(fresh);
    if (!e)
        e = compare_items(&have, &want, &scratch);
    return err_copy(a, e);
}
