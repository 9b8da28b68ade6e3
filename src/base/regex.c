/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern is parsed into a tree, and the tree is written out as steps, a repetition as often as it says. A search holds the set of
 * all steps at which a way through the pattern may be, and moves the whole set on with each character (Thompson, 1968). So a step is
 * visited at most once for each character.
 *
 * Always true: the recursion over the tree is at most a few times REGEX_DEPTH_MAX deep, and writing out ends at REGEX_STEPS_MAX, also
 * where a repetition of nothing writes nothing. */
#include "base/regex.h"

#include <stdlib.h>
#include <string.h>

/* ---- sets of characters ---- */

enum { CHARACTER_NONE = -1 };

struct range {
    int32_t from, to;
};

struct char_set {
    uint64_t ascii[2];
    struct range *ranges; /* of other characters; sorted, and apart from each other, once all of them are there */
    size_t range_count;
    bool is_inverted;
};

static void add_range(struct char_set *s, int32_t from, int32_t to)
{
    for (int32_t c = from; c <= to && c < 128; c++)
        s->ascii[c >> 6] |= UINT64_C(1) << (c & 63);
    if (to >= 128)
        s->ranges[s->range_count++] = (struct range){ from < 128 ? 128 : from, to };
}

static int by_beginning(const void *x, const void *y)
{
    int32_t left = ((const struct range *)x)->from, right = ((const struct range *)y)->from;
    return (left > right) - (left < right);
}

static void sort_ranges(struct char_set *s)
{
    size_t kept = 0;
    qsort(s->ranges, s->range_count, sizeof *s->ranges, by_beginning);
    for (size_t i = 0; i < s->range_count; i++) {
        struct range *last = kept ? &s->ranges[kept - 1] : NULL;
        if (!last || last->to < s->ranges[i].from)
            s->ranges[kept++] = s->ranges[i];
        else if (last->to < s->ranges[i].to)
            last->to = s->ranges[i].to;
    }
    s->range_count = kept;
}

static bool ranges_have(const struct char_set *s, int32_t c)
{
    size_t low = 0, high = s->range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c <= s->ranges[middle].to)
            high = middle;
        else
            low = middle + 1;
    }
    return low < s->range_count && s->ranges[low].from <= c;
}

static bool set_has(const struct char_set *s, int32_t c)
{
    bool found = c >= 128 ? ranges_have(s, c) : c >= 0 && (s->ascii[c >> 6] >> (c & 63) & 1);
    return found != s->is_inverted;
}

/* The character at *at, which is before the end, and moves on; CHARACTER_NONE for a byte that is no UTF-8. */
static int32_t next_character(slice s, size_t *at)
{
    unsigned char first = (unsigned char)s.p[*at];
    if (first < 0x80) {
        ++*at;
        return first;
    }
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length > s.n - *at || !slice_is_utf8(slice_part(s, *at, length))) {
        ++*at;
        return CHARACTER_NONE;
    }
    int32_t c = first & (0x7f >> length);
    for (size_t i = 1; i < length; i++)
        c = c << 6 | ((unsigned char)s.p[*at + i] & 0x3f);
    *at += length;
    return c;
}

/* ---- the tree ---- */

enum node_kind { NODE_SET, NODE_BEGIN, NODE_END, NODE_ROW, NODE_EITHER, NODE_REPEAT };

struct node {
    enum node_kind kind;
    int min, max;         /* of REPEAT; max -1: any number */
    int depth;            /* of repetitions in repetitions */
    struct char_set *set; /* SET */
    struct node *child;   /* the first one of ROW and EITHER, which may have none; the only one of REPEAT */
    struct node *next;    /* of the same parent */
};

struct parser {
    slice pattern;
    size_t at;
    struct arena *a;
    struct range *ranges; /* of all sets; each took a byte of the pattern at least */
    int depth;            /* of brackets */
    enum regex_fault fault;
};

static struct node *fail(struct parser *p, enum regex_fault fault)
{
    if (!p->fault)
        p->fault = fault;
    return NULL;
}

static int peek(const struct parser *p)
{
    return p->at < p->pattern.n ? (unsigned char)p->pattern.p[p->at] : CHARACTER_NONE;
}

static bool take(struct parser *p, char c)
{
    bool is_there = peek(p) == (unsigned char)c;
    p->at += is_there;
    return is_there;
}

static struct node *new_node(struct parser *p, enum node_kind kind)
{
    struct node *n = arena_new(p->a, struct node);
    n->kind = kind;
    return n;
}

static struct node *new_set(struct parser *p)
{
    struct node *n = new_node(p, NODE_SET);
    n->set = arena_new(p->a, struct char_set);
    n->set->ranges = p->ranges;
    return n;
}

/* No more is added to it. */
static struct node *end_set(struct parser *p, struct node *n)
{
    p->ranges += n->set->range_count;
    sort_ranges(n->set);
    return n;
}

static struct node *single_character(struct parser *p)
{
    struct node *n = new_set(p);
    int32_t c = next_character(p->pattern, &p->at);
    add_range(n->set, c, c);
    return end_set(p, n);
}

static struct node *any_character(struct parser *p)
{
    struct node *n = new_set(p);
    n->set->is_inverted = true;
    p->at++;
    return end_set(p, n);
}

/* ---- [ ] ---- */

static bool add_class(struct char_set *set, slice name)
{
    static const struct {
        const char *name, *ranges; /* pairs */
    } classes[] = {
        { "alpha", "AZaz" }, { "digit", "09" },     { "alnum", "09AZaz" },           { "upper", "AZ" },
        { "lower", "az" },   { "space", "\t\r  " }, { "blank", "\t\t  " },           { "punct", "!/:@[`{~" },
        { "print", " ~" },   { "graph", "!~" },     { "cntrl", "\x01\x1f\x7f\x7f" }, { "xdigit", "09AFaf" },
    };
    for (size_t i = 0; i < LENGTH_OF(classes); i++) {
        if (!slice_eq(name, slice_of(classes[i].name)))
            continue;
        for (const char *r = classes[i].ranges; *r; r += 2)
            add_range(set, r[0], r[1]);
        return true;
    }
    return false;
}

/* What stands between [: and :], [. and .], or [= and =]; p is behind the first two of these. */
static bool take_name(struct parser *p, char mark, slice *ret)
{
    slice rest = slice_from(p->pattern, p->at);
    size_t end = slice_find(rest, (slice){ (char[]){ mark, ']' }, 2 });
    if (end == SLICE_NONE || !end)
        return false;
    *ret = slice_part(rest, 0, end);
    p->at += end + 2;
    return true;
}

/* One end of a range, or a character for itself. False: it is none. */
static bool take_end(struct parser *p, int32_t *ret)
{
    slice name;
    size_t at = 0;
    bool is_named = peek(p) == '[' && p->at + 1 < p->pattern.n &&
                    (p->pattern.p[p->at + 1] == '.' || p->pattern.p[p->at + 1] == '=');
    if (!is_named) {
        *ret = next_character(p->pattern, &p->at);
        return true;
    }
    char mark = p->pattern.p[p->at + 1];
    p->at += 2;
    if (!take_name(p, mark, &name))
        return false;
    *ret = next_character(name, &at);
    return at == name.n;
}

static bool take_class(struct parser *p, struct char_set *set, bool *ret_is_class)
{
    slice name;
    slice rest = slice_from(p->pattern, p->at);
    *ret_is_class = slice_starts(rest, S("[:"));
    if (!*ret_is_class)
        return true;
    p->at += 2;
    return take_name(p, ':', &name) && add_class(set, name);
}

static bool add_element(struct parser *p, struct char_set *set)
{
    int32_t from, to;
    bool is_class;
    if (!take_class(p, set, &is_class))
        return false;
    if (is_class)
        return true;
    if (!take_end(p, &from))
        return false;
    to = from;
    bool is_range = peek(p) == '-' && p->at + 1 < p->pattern.n && p->pattern.p[p->at + 1] != ']';
    if (is_range) {
        p->at++;
        if (slice_starts(slice_from(p->pattern, p->at), S("[:")) || !take_end(p, &to))
            return false;
    }
    if (from > to)
        return false;
    add_range(set, from, to);
    return true;
}

static struct node *parse_set(struct parser *p)
{
    struct node *n = new_set(p);
    p->at++;
    n->set->is_inverted = take(p, '^');
    for (bool is_first = true; is_first || peek(p) != ']'; is_first = false)
        if (p->at >= p->pattern.n || !add_element(p, n->set))
            return fail(p, REGEX_BAD_BRACKETS);
    p->at++;
    return end_set(p, n);
}

/* ---- the rest of the syntax ---- */

static struct node *parse_either(struct parser *p);

static struct node *parse_group(struct parser *p)
{
    if (++p->depth > REGEX_DEPTH_MAX)
        return fail(p, REGEX_TOO_LARGE);
    p->at++;
    struct node *n = parse_either(p);
    if (n && !take(p, ')'))
        return fail(p, REGEX_BAD_BRACKETS);
    p->depth--;
    return n;
}

static struct node *parse_escape(struct parser *p)
{
    p->at++;
    int c = peek(p);
    bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return c == CHARACTER_NONE || is_word ? fail(p, REGEX_BAD_ESCAPE) : single_character(p);
}

static struct node *parse_atom(struct parser *p)
{
    int c = peek(p);
    switch (c) {
    case '.':
        return any_character(p);
    case '[':
        return parse_set(p);
    case '(':
        return parse_group(p);
    case '\\':
        return parse_escape(p);
    case '^':
    case '$':
        p->at++;
        return new_node(p, c == '^' ? NODE_BEGIN : NODE_END);
    case '*':
    case '+':
    case '?':
        return fail(p, REGEX_BAD_REPEAT);
    case '{':
    case '}':
    case ']':
        return fail(p, REGEX_BAD_BRACKETS);
    default:
        return single_character(p);
    }
}

/* Digits, at least one. */
static bool take_number(struct parser *p, int *ret)
{
    size_t begin = p->at;
    for (*ret = 0; peek(p) >= '0' && peek(p) <= '9'; p->at++)
        if (*ret <= REGEX_REPEAT_MAX)
            *ret = *ret * 10 + (peek(p) - '0');
    return p->at > begin;
}

/* {3}, {3,} and {3,9}, behind the first brace. */
static bool take_bounds(struct parser *p, int *min, int *max)
{
    if (!take_number(p, min)) {
        fail(p, REGEX_BAD_REPEAT);
        return false;
    }
    *max = *min;
    if (take(p, ',') && !take_number(p, max))
        *max = -1;
    if (!take(p, '}'))
        fail(p, REGEX_BAD_BRACKETS);
    else if (*min > REGEX_REPEAT_MAX || *max > REGEX_REPEAT_MAX || (*max >= 0 && *max < *min))
        fail(p, REGEX_BAD_REPEAT);
    return !p->fault;
}

static struct node *parse_repeats(struct parser *p, struct node *of)
{
    for (;;) {
        int min = 0, max = -1, c = peek(p);
        if (c != '*' && c != '+' && c != '?' && c != '{')
            return of;
        if (of->kind == NODE_BEGIN || of->kind == NODE_END)
            return fail(p, REGEX_BAD_REPEAT);
        p->at++;
        if (c == '{' && !take_bounds(p, &min, &max))
            return NULL;
        min = c == '+' ? 1 : min;
        max = c == '?' ? 1 : max;
        struct node *n = new_node(p, NODE_REPEAT);
        *n = (struct node){ .kind = NODE_REPEAT, .min = min, .max = max, .depth = of->depth + 1, .child = of };
        if (n->depth > REGEX_DEPTH_MAX)
            return fail(p, REGEX_TOO_LARGE);
        of = n;
    }
}

/* Hangs it behind the others; *last: the last of these, NULL for none. */
static void add_child(struct node *parent, struct node **last, struct node *child)
{
    if (*last)
        (*last)->next = child;
    else
        parent->child = child;
    *last = child;
    parent->depth = child->depth > parent->depth ? child->depth : parent->depth;
}

static struct node *parse_row(struct parser *p)
{
    struct node *row = new_node(p, NODE_ROW), *last = NULL;
    while (p->at < p->pattern.n && peek(p) != '|' && peek(p) != ')') {
        struct node *n = parse_atom(p);
        if (n)
            n = parse_repeats(p, n);
        if (!n)
            return NULL;
        add_child(row, &last, n);
    }
    return row;
}

static struct node *parse_either(struct parser *p)
{
    struct node *either = new_node(p, NODE_EITHER), *last = NULL;
    do {
        struct node *row = parse_row(p);
        if (!row)
            return NULL;
        add_child(either, &last, row);
    } while (take(p, '|'));
    return either;
}

static struct node *parse_pattern(struct parser *p)
{
    struct node *all = parse_either(p);
    return all && p->at < p->pattern.n ? fail(p, REGEX_BAD_BRACKETS) : all; /* a ) that closes nothing */
}

/* ---- steps ---- */

enum step_kind { STEP_SET, STEP_BEGIN, STEP_END, STEP_GO, STEP_EITHER, STEP_FOUND };

/* All but GO, EITHER and FOUND go on with the step behind them. */
struct step {
    enum step_kind kind;
    uint16_t to, or_to; /* GO, EITHER */
    const struct char_set *set;
};

struct regex {
    struct step *steps;
    size_t count;
    bool first_bytes[256]; /* with which a text that is found can begin, but at the very start */
    bool skips;            /* these say all; otherwise nothing is known of the beginning */
    bool is_at_begin;      /* nothing is found but at the very start */
    /* Of a search. */
    uint16_t *now, *later, *stack; /* steps that wait for a character; steps to visit */
    uint32_t *marks;               /* the visit in which a step was visited last */
    uint32_t visit;
};

/* What is written out. Nodes are counted, too: a repetition of nothing writes no steps. */
#define VISITS_MAX (8 * REGEX_STEPS_MAX)
struct writer {
    struct step *steps;
    size_t count, visits;
    bool is_full;
};

static size_t add_step(struct writer *w, enum step_kind kind)
{
    if (w->count == REGEX_STEPS_MAX) {
        w->is_full = true;
        return 0;
    }
    w->steps[w->count] = (struct step){ .kind = kind };
    return w->count++;
}

static void write_node(struct writer *w, const struct node *n);

/* EITHER first, else ──┐      first, GO ──┐      The steps GO form a chain by their or_to until the end is known. */
static void write_either(struct writer *w, const struct node *n)
{
    size_t chain = REGEX_STEPS_MAX;
    for (const struct node *child = n->child; child && !w->is_full; child = child->next) {
        size_t either = child->next ? add_step(w, STEP_EITHER) : 0;
        if (child->next)
            w->steps[either].to = (uint16_t)w->count;
        write_node(w, child);
        if (!child->next || w->is_full)
            break;
        size_t go = add_step(w, STEP_GO);
        w->steps[go].or_to = (uint16_t)chain;
        chain = go;
        w->steps[either].or_to = (uint16_t)w->count;
    }
    while (!w->is_full && chain != REGEX_STEPS_MAX) {
        struct step *go = &w->steps[chain];
        chain = go->or_to;
        go->to = (uint16_t)w->count;
    }
}

/* All of it any number of times: EITHER it, GO back, or on. */
static void write_loop(struct writer *w, const struct node *child)
{
    size_t either = add_step(w, STEP_EITHER);
    w->steps[either].to = (uint16_t)w->count;
    write_node(w, child);
    size_t go = add_step(w, STEP_GO);
    w->steps[go].to = (uint16_t)either;
    w->steps[either].or_to = (uint16_t)w->count;
}

/* So many times, or fewer: each of them may go to the end, which the chain of their or_to leads to until it is known. */
static void write_options(struct writer *w, const struct node *child, int count)
{
    size_t chain = REGEX_STEPS_MAX;
    for (int i = 0; i < count && !w->is_full; i++) {
        size_t either = add_step(w, STEP_EITHER);
        w->steps[either].to = (uint16_t)w->count;
        w->steps[either].or_to = (uint16_t)chain;
        chain = either;
        write_node(w, child);
    }
    while (!w->is_full && chain != REGEX_STEPS_MAX) {
        struct step *either = &w->steps[chain];
        chain = either->or_to;
        either->or_to = (uint16_t)w->count;
    }
}

static void write_node(struct writer *w, const struct node *n)
{
    w->is_full |= ++w->visits > VISITS_MAX;
    if (w->is_full)
        return;
    switch (n->kind) {
    case NODE_SET:
        w->steps[add_step(w, STEP_SET)].set = n->set;
        break;
    case NODE_BEGIN:
    case NODE_END:
        add_step(w, n->kind == NODE_BEGIN ? STEP_BEGIN : STEP_END);
        break;
    case NODE_ROW:
        for (const struct node *child = n->child; child; child = child->next)
            write_node(w, child);
        break;
    case NODE_EITHER:
        write_either(w, n);
        break;
    case NODE_REPEAT:
        for (int i = 0; i < n->min; i++)
            write_node(w, n->child);
        if (n->max < 0)
            write_loop(w, n->child);
        else
            write_options(w, n->child, n->max - n->min);
        break;
    }
}

/* ---- searching ---- */

struct place { /* between two characters */
    bool is_begin, is_end;
};

/* Adds the step, and all that it leads to without a character, to a list; true: the end of the pattern is among them. */
static bool visit(struct regex *r, size_t step, struct place place, uint16_t *list, size_t *count)
{
    size_t waiting = 0;
    bool found = false;
    for (r->stack[waiting++] = (uint16_t)step; waiting;) {
        size_t i = r->stack[--waiting];
        const struct step *s = &r->steps[i];
        if (r->marks[i] == r->visit)
            continue;
        r->marks[i] = r->visit;
        if (s->kind == STEP_FOUND)
            found = true;
        else if (s->kind == STEP_SET)
            list[(*count)++] = (uint16_t)i;
        else if (s->kind == STEP_GO || s->kind == STEP_EITHER)
            r->stack[waiting++] = s->to;
        else if (s->kind == STEP_BEGIN ? place.is_begin : place.is_end)
            r->stack[waiting++] = (uint16_t)(i + 1);
        if (s->kind == STEP_EITHER)
            r->stack[waiting++] = s->or_to;
    }
    return found;
}

static void begin_visit(struct regex *r)
{
    if (!++r->visit) {
        memset(r->marks, 0, r->count * sizeof *r->marks);
        r->visit = 1;
    }
}

/* Is there a way through the pattern that begins here and takes no character, or where one begins that asks for the end? */
static bool may_end_at_once(struct regex *r, size_t *count)
{
    begin_visit(r);
    *count = 0;
    bool found = visit(r, 0, (struct place){ .is_end = true }, r->now, count);
    for (size_t i = 0; i < r->count; i++)
        found |= r->steps[i].kind == STEP_END && r->marks[i] == r->visit;
    return found;
}

static void learn_beginning(struct regex *r)
{
    size_t count;
    r->skips = !may_end_at_once(r, &count);
    r->is_at_begin = r->skips && !count;
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < 256; c++)
            r->first_bytes[c] |= c >= 128 || set_has(r->steps[r->now[i]].set, c);
}

struct search {
    struct regex *r;
    slice text;
    const struct regex_watch *watch;
    size_t at;
    bool is_idle;   /* all ways that are followed begin here */
    uint64_t steps; /* since somebody was asked */
};

static bool must_stop(struct search *s, size_t steps)
{
    s->steps += steps;
    if (!s->watch || s->steps < REGEX_LOOK)
        return false;
    s->steps = 0;
    return s->watch->must_stop(s->watch->arg);
}

/* Goes to where something can begin. Returns how many bytes that took. */
static size_t skip_ahead(struct search *s)
{
    size_t begin = s->at;
    while (s->at < s->text.n && !s->r->first_bytes[(unsigned char)s->text.p[s->at]])
        s->at++;
    return s->at - begin;
}

static bool start_here(struct search *s, uint16_t *list, size_t *count)
{
    struct place place = { s->at == 0, s->at == s->text.n };
    return (!s->r->is_at_begin || place.is_begin) && visit(s->r, 0, place, list, count);
}

/* Moves on by a character. True: the end of the pattern is reached. */
static bool move_on(struct search *s, size_t *count)
{
    struct regex *r = s->r;
    size_t later_count = 0;
    bool found = false;
    int32_t c = next_character(s->text, &s->at);
    struct place place = { false, s->at == s->text.n };
    begin_visit(r);
    for (size_t i = 0; i < *count; i++)
        if (set_has(r->steps[r->now[i]].set, c))
            found |= visit(r, r->now[i] + 1u, place, r->later, &later_count);
    s->is_idle = !later_count;
    found |= start_here(s, r->later, &later_count);
    uint16_t *swapped = r->now;
    r->now = r->later;
    r->later = swapped;
    *count = later_count;
    return found;
}

enum regex_result regex_search(struct regex *r, slice text, const struct regex_watch *watch)
{
    struct search s = { .r = r, .text = text, .watch = watch };
    size_t count = 0;
    begin_visit(r);
    if (start_here(&s, r->now, &count))
        return REGEX_FOUND;
    while (s.at < text.n && (count || !r->is_at_begin)) {
        size_t skipped = s.is_idle && r->skips ? skip_ahead(&s) : 0;
        if (must_stop(&s, skipped + count + 1))
            return REGEX_STOPPED;
        if (s.at == text.n)
            break;
        if (move_on(&s, &count))
            return REGEX_FOUND;
    }
    return REGEX_ABSENT;
}

/* ---- making ---- */

static struct regex *make_regex(const struct writer *w, struct arena *a)
{
    struct regex *r = arena_new(a, struct regex);
    r->count = w->count;
    r->steps = arena_array(a, struct step, w->count);
    memcpy(r->steps, w->steps, w->count * sizeof *r->steps);
    r->now = arena_array(a, uint16_t, w->count);
    r->later = arena_array(a, uint16_t, w->count);
    r->stack = arena_array(a, uint16_t, 2 * w->count + 1); /* a step that is visited puts two there, and takes one */
    r->marks = arena_array(a, uint32_t, w->count);
    learn_beginning(r);
    return r;
}

enum regex_fault regex_compile(slice pattern, struct arena *a, struct regex **ret)
{
    if (pattern.n > REGEX_PATTERN_MAX)
        return REGEX_TOO_LONG;
    if (!slice_is_utf8(pattern))
        return REGEX_NOT_UTF8;
    SCRATCH(scratch);
    struct parser p = { .pattern = pattern, .a = a, .ranges = arena_array(a, struct range, pattern.n + 1) };
    struct node *all = parse_pattern(&p);
    if (!all)
        return p.fault;
    struct writer w = { .steps = arena_array(&scratch, struct step, REGEX_STEPS_MAX) };
    write_node(&w, all);
    add_step(&w, STEP_FOUND);
    if (w.is_full)
        return REGEX_TOO_LARGE;
    *ret = make_regex(&w, a);
    return REGEX_FINE;
}
