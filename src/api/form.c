/* SPDX-License-Identifier: Apache-2.0 */
/* The tree is built of nodes that know their last child, then copied into struct json, which never changes. Members are
 * searched one by one: with at most FORM_PAIRS_MAX pairs that is cheap. */
#include "api/form.h"

#include "http/target.h"

struct node {
    enum js_type type; /* JS_NULL until it is known */
    slice name, value;
    struct node *first, *last, *next;
};

static struct node *add_child(struct node *parent, slice name, struct arena *a)
{
    struct node *n = arena_new(a, struct node);
    n->name = name;
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    return n;
}

static struct node *member(const struct node *parent, slice name)
{
    for (struct node *n = parent->first; n; n = n->next)
        if (slice_eq(n->name, name))
            return n;
    return NULL;
}

static err_t become(struct node *n, enum js_type type, struct arena *a)
{
    if (n->type != JS_NULL && n->type != type)
        return err_make(a, ERR_INVALID, "a name of the form is a value and a container at once");
    n->type = type;
    return NULL;
}

/* Cut the next [step] off *path. */
static err_t next_step(slice *path, slice *ret_step, struct arena *a)
{
    size_t end = slice_find_byte(*path, ']');
    if (path->p[0] != '[' || end == SLICE_NONE)
        return err_make(a, ERR_INVALID, "brackets of the form do not match");
    *ret_step = slice_part(*path, 1, end - 1);
    *path = slice_from(*path, end + 1);
    return NULL;
}

/* The element of an array that the rest of a path belongs to: the last one, unless that has what comes. */
static struct node *element(struct node *array, slice path, struct arena *a)
{
    struct node *last = array->last;
    size_t end = slice_find_byte(path, ']');
    bool named = path.n > 2 && path.p[0] == '[' && end != SLICE_NONE && end > 1;
    bool ends = named && end + 1 == path.n;
    if (named && last && last->type == JS_OBJECT) {
        const struct node *there = member(last, slice_part(path, 1, end - 1));
        if (!there || (!ends && there->type != JS_STRING))
            return last;
    }
    return add_child(array, S(""), a);
}

static err_t put(struct node *root, slice name, slice value, struct arena *a)
{
    size_t bracket = slice_find_byte(name, '[');
    slice step = slice_part(name, 0, bracket == SLICE_NONE ? name.n : bracket), path = slice_from(name, step.n);
    struct node *at = root;
    if (step.n == 0)
        return err_make(a, ERR_INVALID, "a name of the form is empty");
    for (size_t depth = 1;; depth++) {
        bool is_array = at != root && step.n == 0;
        if (depth >= JSON_MAX_DEPTH)
            return err_make(a, ERR_TOO_LARGE, "the form is deeper than %d", JSON_MAX_DEPTH);
        TRY(become(at, is_array ? JS_ARRAY : JS_OBJECT, a));
        struct node *next = is_array ? element(at, path, a) : member(at, step);
        at = next ? next : add_child(at, step, a);
        if (path.n == 0)
            break;
        TRY(next_step(&path, &step, a));
    }
    TRY(become(at, JS_STRING, a));
    at->value = value;
    return NULL;
}

/* No deeper than JSON_MAX_DEPTH: put saw to that. */
static const struct json *freeze(const struct node *n, struct arena *a)
{
    struct json *first = NULL, *last = NULL, *j = arena_new(a, struct json);
    *j = (struct json){ .type = n->type, .name = n->name, .string = n->value };
    for (const struct node *child = n->first; child; child = child->next) {
        struct json *made = (struct json *)(uintptr_t)freeze(child, a);
        if (last)
            last->next = made;
        else
            first = made;
        last = made;
    }
    j->child = first;
    return j;
}

err_t form_parse(slice text, struct arena *a, const struct json **ret_json)
{
    struct query query;
    struct node root = { .type = JS_OBJECT };
    TRY(query_parse(text, a, &query));
    if (query.count > FORM_PAIRS_MAX)
        return err_make(a, ERR_TOO_LARGE, "the form has more than %d values", FORM_PAIRS_MAX);
    for (size_t i = 0; i < query.count; i++) {
        const struct query_param *p = &query.params[i];
        if (!slice_is_utf8(p->name) || !slice_is_utf8(p->value))
            return err_make(a, ERR_INVALID, "the form is not UTF-8");
        TRY(put(&root, p->name, p->value, a));
    }
    *ret_json = freeze(&root, a);
    return NULL;
}
