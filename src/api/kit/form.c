/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of nodes that know their last child grows pair by pair, and is then copied into struct json, which is
 * immutable. Members are searched one by one, which is cheap with at most FORM_PAIRS_MAX pairs. */
#include "api/kit/form.h"

#include "http/target.h"

struct form_node {
    enum js_type type; /* JS_NULL until it is known */
    slice name, value;
    struct form_node *first, *last, *next;
};

static struct form_node *add_child(struct form_node *parent, slice name, struct arena *a)
{
    struct form_node *n = arena_new(a, struct form_node);
    n->name = name;
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    return n;
}

static struct form_node *find_member(const struct form_node *parent, slice name)
{
    for (struct form_node *n = parent->first; n; n = n->next)
        if (slice_eq(n->name, name))
            return n;
    return NULL;
}

static err_t set_node_type(struct form_node *n, enum js_type type, struct arena *a)
{
    if (n->type != JS_NULL && n->type != type)
        return err_make(a, ERR_INVALID, "a name of the form is a value and a container at once");
    n->type = type;
    return NULL;
}

/* Cut the first "[step]" off *path. */
static err_t cut_step(slice *path, slice *ret_step, struct arena *a)
{
    size_t end = slice_find_byte(*path, ']');
    if (path->p[0] != '[' || end == SLICE_NONE)
        return err_make(a, ERR_INVALID, "brackets of the form do not match");
    *ret_step = slice_part(*path, 1, end - 1);
    *path = slice_from(*path, end + 1);
    return NULL;
}

/* The array element to which the rest of the path leads: the last element, unless it already has the member that the
 * path names. Then a new one. */
static struct form_node *choose_element(struct form_node *array, slice path, struct arena *a)
{
    struct form_node *last = array->last;
    size_t end = slice_find_byte(path, ']');
    bool has_name = path.n > 2 && path.p[0] == '[' && end != SLICE_NONE && end > 1;
    bool is_last_step = has_name && end + 1 == path.n;
    if (has_name && last && last->type == JS_OBJECT) {
        const struct form_node *existing = find_member(last, slice_part(path, 1, end - 1));
        if (!existing || (!is_last_step && existing->type != JS_STRING))
            return last;
    }
    return add_child(array, S(""), a);
}

static err_t add_pair(struct form_node *root, slice name, slice value, struct arena *a)
{
    size_t bracket = slice_find_byte(name, '[');
    slice step = slice_part(name, 0, bracket == SLICE_NONE ? name.n : bracket), path = slice_from(name, step.n);
    struct form_node *at = root;
    if (step.n == 0)
        return err_make(a, ERR_INVALID, "a name of the form is empty");
    for (size_t depth = 1;; depth++) {
        bool is_array = at != root && step.n == 0;
        if (depth >= JSON_MAX_DEPTH)
            return err_make(a, ERR_TOO_LARGE, "the form is deeper than %d", JSON_MAX_DEPTH);
        TRY(set_node_type(at, is_array ? JS_ARRAY : JS_OBJECT, a));
        struct form_node *next = is_array ? choose_element(at, path, a) : find_member(at, step);
        at = next ? next : add_child(at, step, a);
        if (path.n == 0)
            break;
        TRY(cut_step(&path, &step, a));
    }
    TRY(set_node_type(at, JS_STRING, a));
    at->value = value;
    return NULL;
}

/* The recursion is no deeper than JSON_MAX_DEPTH: add_pair refuses more. */
static const struct json *node_to_json(const struct form_node *n, struct arena *a)
{
    struct json *first = NULL, *last = NULL, *j = arena_new(a, struct json);
    *j = (struct json){ .type = n->type, .name = n->name, .string = n->value };
    for (const struct form_node *child = n->first; child; child = child->next) {
        struct json *made = (struct json *)(uintptr_t)node_to_json(child, a);
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
    struct form_node root = { .type = JS_OBJECT };
    TRY(query_parse(text, a, &query));
    if (query.count > FORM_PAIRS_MAX)
        return err_make(a, ERR_TOO_LARGE, "the form has more than %d values", FORM_PAIRS_MAX);
    for (size_t i = 0; i < query.count; i++) {
        const struct query_param *p = &query.params[i];
        if (!slice_is_utf8(p->name) || !slice_is_utf8(p->value))
            return err_make(a, ERR_INVALID, "the form is not UTF-8");
        TRY(arena_check(a));
        TRY(add_pair(&root, p->name, p->value, a));
    }
    *ret_json = node_to_json(&root, a);
    return NULL;
}
