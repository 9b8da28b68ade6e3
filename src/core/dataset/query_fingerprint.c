/* SPDX-License-Identifier: Apache-2.0 */
/* Every node is written with its kind, and every list and text with its length, so different trees give different bytes. They are
 * hashed as they are made. */
#include "core/dataset/query_fingerprint.h"

#include <string.h>

struct print {
    struct hash *hash;
    char bytes[512];
    size_t n;
};

static void flush_print(struct print *p)
{
    hash_update(p->hash, (slice){ p->bytes, p->n });
    p->n = 0;
}

static void print_bytes(struct print *p, const void *bytes, size_t n)
{
    if (n > sizeof p->bytes - p->n)
        flush_print(p);
    if (n > sizeof p->bytes) {
        hash_update(p->hash, (slice){ bytes, n });
        return;
    }
    if (n)
        memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
}

static void print_number(struct print *p, uint64_t v)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(v >> 8 * i);
    print_bytes(p, bytes, sizeof bytes);
}

static void print_text(struct print *p, slice text)
{
    print_number(p, text.n);
    print_bytes(p, text.p, text.n);
}

static void print_cell(struct print *p, enum column_type type, const struct cell *c)
{
    print_number(p, c->is_null);
    if (c->is_null)
        return;
    uint64_t bits = 0;
    if (column_type_is_text(type)) {
        print_text(p, c->text);
    } else if (type == COLUMN_DECIMAL || type == COLUMN_DECIMAL_SUM) {
        print_number(p, (uint64_t)c->decimal);
        print_number(p, (uint64_t)(c->decimal >> 64));
    } else if (type == COLUMN_FLOAT) {
        memcpy(&bits, &c->real, sizeof c->real);
        print_number(p, bits);
    } else if (type == COLUMN_BOOL) {
        print_number(p, c->boolean);
    } else {
        print_number(p, column_type_is_unsigned(type) ? c->natural : (uint64_t)c->integer);
    }
}

static void print_expr(struct print *p, const struct row_expr *e)
{
    print_number(p, e ? (uint64_t)e->function + 1 : 0);
    if (!e)
        return;
    print_number(p, e->type);
    print_number(p, e->function == ROW_COLUMN ? e->column : (uint64_t)e->digits);
    if (e->function == ROW_LITERAL)
        print_cell(p, e->type, &e->value);
    print_expr(p, e->args[0]);
    print_expr(p, e->args[1]);
}

static void print_condition(struct print *p, const struct row_condition *c)
{
    print_number(p, c->test);
    print_number(p, c->child_count);
    for (size_t i = 0; i < c->child_count; i++)
        print_condition(p, &c->children[i]);
    print_expr(p, c->expr);
    print_number(p, c->value_count);
    for (size_t i = 0; i < c->value_count; i++)
        print_cell(p, c->expr->type, &c->values[i]);
}

static void print_query(struct print *p, const struct row_query *q)
{
    print_number(p, q->item_count);
    for (size_t i = 0; i < q->item_count; i++) {
        print_number(p, q->items[i].aggregate);
        print_expr(p, q->items[i].expr);
        print_text(p, q->items[i].name);
    }
    print_number(p, q->where != NULL);
    if (q->where)
        print_condition(p, q->where);
    print_number(p, q->group_count);
    for (size_t i = 0; i < q->group_count; i++)
        print_expr(p, q->groups[i]);
    print_number(p, q->order_count);
    for (size_t i = 0; i < q->order_count; i++) {
        print_number(p, q->orders[i].item);
        print_expr(p, q->orders[i].expr);
        print_number(p, q->orders[i].is_descending);
    }
}

void query_fingerprint(const struct row_query *q, unsigned char ret[SHA256_SIZE])
{
    struct print p = { .hash = hash_new(HASH_SHA256) };
    print_query(&p, q);
    flush_print(&p);
    hash_final(p.hash, ret);
    hash_free(p.hash);
}
