/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of listings. Input: the query after "/photos?". Every reply is XML, and no query causes an internal error.
 * Reading page after page ends, and shows each name once, in ascending order. */
#include "fuzz.h"

#include "../tests/support/s3_fixture.h"

#include "base/text.h"
#include "http/target.h"

static const char *const keys[] = { "a", "a%20b%26", "b/1", "b/2", "b/2/3", "c/%C3%A9", "d%F4%8F%BF%BF" };
#define PAGES_MAX 20

/* Does the query have only parameters that keep their meaning when a continuation token is added? */
static bool has_only_page_params(slice raw, struct arena *a)
{
    struct query q;
    if (query_parse(raw, a, &q))
        return false;
    for (size_t i = 0; i < q.count; i++)
        if (!slice_eq(q.params[i].name, S("prefix")) && !slice_eq(q.params[i].name, S("delimiter")) &&
            !slice_eq(q.params[i].name, S("max-keys")) && !slice_eq(q.params[i].name, S("list-type")) &&
            !slice_eq(q.params[i].name, S("start-after")))
            return false;
    return true;
}

/* XML 1.0 cannot express these characters, so a reply that quotes them is not well-formed. */
static bool has_inexpressible(const struct query *q)
{
    for (size_t i = 0; i < q->count; i++) {
        slice v = q->params[i].value;
        for (size_t k = 0; k < v.n; k++)
            if ((unsigned char)v.p[k] < ' ' && v.p[k] != '\t' && v.p[k] != '\n' && v.p[k] != '\r')
                return true;
        if (slice_find(v, S("\xef\xbf\xbe")) != SLICE_NONE || slice_find(v, S("\xef\xbf\xbf")) != SLICE_NONE)
            return true;
    }
    return false;
}

static const struct xml *check(struct s3_fixture *f, const struct fake_reply *r)
{
    const struct xml *root;
    HOLDS(r->status == 200 || (r->status >= 400 && r->status <= 501 && r->status != 500));
    HOLDS(!xml_parse(r->body, f->a, &root));
    HOLDS(r->status == 200 || xml_child_text(root, "Code").n);
    return r->status == 200 && slice_eq(root->name, S("ListBucketResult")) ? root : NULL;
}

/* The names of a page are greater than those of the page before. */
static void check_page(const struct xml *root, slice *after, struct arena *a)
{
    uint64_t max, reported, count = 0;
    slice last = *after;
    HOLDS(slice_to_u64(xml_child_text(root, "MaxKeys"), &max));
    for (const struct xml *x = root->first; x; x = x->next) {
        bool is_key = slice_eq(x->name, S("Contents"));
        if (!is_key && !slice_eq(x->name, S("CommonPrefixes")))
            continue;
        slice name = xml_child_text(x, is_key ? "Key" : "Prefix");
        HOLDS(name.n && slice_cmp(*after, name) < 0);
        if (slice_cmp(last, name) < 0)
            last = name;
        count++;
    }
    HOLDS(count <= max && count <= LENGTH_OF(keys));
    HOLDS(slice_to_u64(xml_child_text(root, "KeyCount"), &reported) && reported == count);
    *after = arena_copy(a, last);
}

static void follow(struct s3_fixture *f, const struct s3_user *p, slice query, const struct xml *root)
{
    slice after = S("");
    for (int page = 0;; page++) {
        HOLDS(page < PAGES_MAX);
        check_page(root, &after, f->a);
        slice token = xml_child_text(root, "NextContinuationToken");
        HOLDS((token.p != NULL) == slice_eq(xml_child_text(root, "IsTruncated"), S("true")));
        if (!token.p)
            return;
        slice target = arena_printf(f->a, "/photos?" SLICE_FMT "&continuation-token=" SLICE_FMT, SLICE_ARG(query),
                                    SLICE_ARG(percent_encode(f->a, token, "")));
        root = check(f, s3_send(f, p, "GET", arena_cstr(f->a, target), ""));
        HOLDS(root);
    }
}

static struct s3_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;    /* the world of a server with one user and one bucket with those keys */
static struct s3_user ana;

static void set_up(void)
{
    struct s3_fixture *f = origin = s3_fixture_new(NULL);
    ana = s3_user(f, "ana");
    HOLDS(s3_send(f, &ana, "PUT", "/photos", "")->status == 200);
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        s3_put_object(f, &ana, arena_printf(f->a, "/photos/%s", keys[i]).p, "x");
    kept.image = world_image(f->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    slice input = fuzz_slice(data, size);
    for (size_t i = 0; i < size; i++) /* the engine refuses all others */
        if (data[i] <= ' ' || data[i] == '#' || data[i] == 0x7f)
            return 0;
    if (size > 2000)
        return 0;
    struct s3_fixture *f = s3_fixture_new_in(NULL, &(struct world_options){ .kept = &kept });
    struct query q;
    if (!query_parse(input, f->a, &q) && q.count <= 50 && !has_inexpressible(&q)) {
        slice parts[] = { S("/photos?"), input };
        const struct xml *root = check(f, s3_send(f, &ana, "GET", arena_cstr(f->a, arena_join(f->a, parts, 2)), ""));
        if (root && xml_child(root, "KeyCount") && has_only_page_params(input, f->a))
            follow(f, &ana, input, root);
    }
    s3_fixture_free(f);
    return 0;
}
