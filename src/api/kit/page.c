/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/page.h"

#include "base/buf.h"

#include <string.h>

/* The last parameter with that name, when it is a number of at least `min`. */
static bool page_number(const struct query *q, slice name, uint64_t min, uint64_t *ret)
{
    slice text;
    return query_get(q, name, QUERY_LAST_WINS, &text) && slice_to_u64(text, ret) && *ret >= min && *ret <= INT32_MAX;
}

err_t page_read(struct http_exchange *x, size_t max_items, struct page *ret)
{
    uint64_t page = 1, limit = max_items, offset = 0;
    TRY(query_parse(x->req.query, &x->arena, &ret->query));
    if (!page_number(&ret->query, S("limit"), 1, &limit) || limit > max_items)
        limit = max_items;
    if (!page_number(&ret->query, S("page"), 1, &page))
        page = 1;
    ret->by_offset = page_number(&ret->query, S("offset"), 0, &offset);
    ret->limit = (size_t)limit;
    ret->offset = ret->by_offset ? (size_t)offset : (size_t)(page - 1) * (size_t)limit;
    return NULL;
}

bool page_restart(struct page *page, int64_t total)
{
    if (page->by_offset || page->offset == 0 || page->offset < (size_t)total)
        return false;
    page->offset = 0;
    return true;
}

size_t page_cut(struct page *page, size_t total, size_t *ret_first)
{
    page_restart(page, (int64_t)total);
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

/* Adds the path, and the query of the request without page and offset. *ret_joint is what joins the next parameter: ? or
 * &. */
static void add_link_target(struct buf *b, const struct page *page, slice path, char *ret_joint)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
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

static void add_link(struct buf *b, const struct page *page, slice path, uint64_t offset, const char *rel)
{
    char joint;
    bool is_self = strcmp(rel, "self") == 0;
    buf_add(b, b->n ? S(", <") : S("<"));
    add_link_target(b, page, path, &joint);
    if (page->by_offset)
        buf_printf(b, "%coffset=%llu", joint, (unsigned long long)offset);
    else if (!is_self || offset)
        buf_printf(b, "%cpage=%llu", joint, (unsigned long long)(offset / page->limit + 1));
    buf_printf(b, ">; rel=\"%s\"", rel);
}

slice page_range(const struct page *page, size_t shown, int64_t total, struct arena *a)
{
    return arena_printf(a, "items %llu-%llu/%llu", (unsigned long long)(shown ? page->offset + 1 : 0),
                        (unsigned long long)(shown ? page->offset + shown : 0), (unsigned long long)total);
}

slice page_links(const struct page *page, slice path, size_t shown, int64_t total, struct arena *a)
{
    uint64_t all = (uint64_t)total, offset = page->offset, limit = page->limit;
    SCOPED(buf_releasep) struct buf links;
    buf_init_on(&links, 0, a);
    add_link(&links, page, path, offset, "self");
    if (all && offset)
        add_link(&links, page, path, offset > limit ? offset - limit : 0, "prev");
    if (offset + shown < all && shown)
        add_link(&links, page, path, offset + limit, "next");
    if (all)
        add_link(&links, page, path, (all - 1) / limit * limit, "last");
    return buf_give(&links, a);
}
