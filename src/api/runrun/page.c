/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/errors_priv.h"
#include "api/runrun/page_priv.h"

#include <string.h>

#define PAGE_ITEMS 100 /* the default, and the maximum */

/* The last parameter with that name, when it is a number of at least `min`. */
static bool page_number(const struct query *q, slice name, uint64_t min, uint64_t *ret)
{
    slice text;
    return query_get(q, name, QUERY_LAST_WINS, &text) && slice_to_u64(text, ret) && *ret >= min && *ret <= INT32_MAX;
}

err_t runrun_read_page(struct http_exchange *x, struct runrun_page *ret)
{
    uint64_t page = 1, limit = PAGE_ITEMS, offset = 0;
    err_t e = query_parse(x->req.query, &x->arena, &ret->query);
    if (e)
        return runrun_refuse_because(&x->arena, e, RUNRUN_BAD_REQUEST);
    if (!page_number(&ret->query, S("limit"), 1, &limit) || limit > PAGE_ITEMS)
        limit = PAGE_ITEMS;
    if (!page_number(&ret->query, S("page"), 1, &page))
        page = 1;
    ret->by_offset = page_number(&ret->query, S("offset"), 0, &offset);
    ret->limit = (size_t)limit;
    ret->offset = ret->by_offset ? (size_t)offset : (size_t)(page - 1) * (size_t)limit;
    return NULL;
}

bool runrun_page_restart(struct runrun_page *page, int64_t total)
{
    if (page->by_offset || page->offset == 0 || page->offset < (size_t)total)
        return false;
    page->offset = 0;
    return true;
}

size_t runrun_page_cut(struct runrun_page *page, size_t total, size_t *ret_first)
{
    runrun_page_restart(page, (int64_t)total);
    *ret_first = page->offset < total ? page->offset : total;
    size_t left = total - *ret_first;
    return left < page->limit ? left : page->limit;
}

/* Escapes everything that would end the URL between < and >. */
static void add_link_text(struct buf *b, slice raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("<>\"\\", c))
            buf_printf(b, "%%%02X", c);
        else
            buf_add_byte(b, (char)c);
    }
}

/* Adds the path of the request without the version, and its query without page and offset. *ret_joint is what joins the
 * next parameter: ? or &. */
static void add_link_target(struct buf *b, struct http_exchange *x, const struct runrun_page *page, char *ret_joint)
{
    slice path = x->req.path;
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    if (slice_starts(path, S("/api/v1.0/"))) {
        buf_add(b, S("/api"));
        path = slice_from(path, sizeof "/api/v1.0" - 1);
    }
    add_link_text(b, path);
    char joint = '?';
    for (size_t i = 0; i < page->query.count; i++) {
        const struct query_param *p = &page->query.params[i];
        if (slice_eq(p->name, S("page")) || slice_eq(p->name, S("offset")))
            continue;
        buf_add_byte(b, joint);
        add_link_text(b, p->raw_name);
        buf_add_byte(b, '=');
        add_link_text(b, p->raw_value);
        joint = '&';
    }
    *ret_joint = joint;
}

static void add_link(struct buf *b, struct http_exchange *x, const struct runrun_page *page, uint64_t offset,
                     const char *rel)
{
    char joint;
    bool is_self = strcmp(rel, "self") == 0;
    buf_add(b, b->n ? S(", <") : S("<"));
    add_link_target(b, x, page, &joint);
    if (page->by_offset)
        buf_printf(b, "%coffset=%llu", joint, (unsigned long long)offset);
    else if (!is_self || offset)
        buf_printf(b, "%cpage=%llu", joint, (unsigned long long)(offset / page->limit + 1));
    buf_printf(b, ">; rel=\"%s\"", rel);
}

void runrun_page_headers(struct http_exchange *x, const struct runrun_page *page, size_t shown, int64_t total)
{
    uint64_t all = (uint64_t)total, offset = page->offset, limit = page->limit;
    http_reply_header(x, "X-Item-Range",
                      arena_printf(&x->arena, "items %llu-%llu/%llu", (unsigned long long)(shown ? offset + 1 : 0),
                                   (unsigned long long)(shown ? offset + shown : 0), (unsigned long long)all));
    SCOPED(buf_releasep) struct buf links;
    buf_init(&links, 0);
    add_link(&links, x, page, offset, "self");
    if (all && offset)
        add_link(&links, x, page, offset > limit ? offset - limit : 0, "prev");
    if (offset + shown < all && shown)
        add_link(&links, x, page, offset + limit, "next");
    if (all)
        add_link(&links, x, page, (all - 1) / limit * limit, "last");
    http_reply_header(x, "Link", arena_copy(&x->arena, buf_slice(&links)));
}
