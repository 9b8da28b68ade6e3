/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_reader.h"

#include "core/sync/sync_form_priv.h"

#include <assert.h>
#include <stdlib.h>

struct sync_check {
    const struct sync_form_ops *ops;
    void *form;
    struct check_state state;
    bool has_ended;
};

struct sync_rows {
    const struct sync_form_ops *ops;
    void *form;
    struct rows_state state;
    bool has_ended;
};

static const struct sync_form_ops *ops_of(enum sync_form form)
{
    return form == SYNC_LINES ? &sync_lines_ops : &sync_json_ops;
}

/* ---- the check */

struct sync_check *sync_check_open(const struct content *content, enum sync_form form, struct arena *account)
{
    assert(form < SYNC_FORM_COUNT);
    struct sync_check *c = must_malloc(sizeof *c);
    c->ops = ops_of(form);
    c->state = (struct check_state){ .content = content, .account = account };
    c->state.result.start.form = form;
    c->form = c->ops->check_open(&c->state);
    return c;
}

void sync_check_close(struct sync_check *c)
{
    if (!c)
        return;
    c->ops->check_close(c->form);
    free(c);
}

err_t sync_check_next(struct sync_check *c, struct arena *a, bool *ret_has_more)
{
    *ret_has_more = false;
    if (c->has_ended)
        return NULL;
    TRY(c->ops->check_next(c->form, &c->state, a, ret_has_more));
    if (c->state.result.fault)
        *ret_has_more = false;
    c->has_ended = !*ret_has_more;
    return arena_check(c->state.account);
}

const struct sync_check_result *sync_check_result(const struct sync_check *c)
{
    return &c->state.result;
}

uint64_t sync_check_read_bytes(const struct sync_check *c)
{
    return c->ops->check_read_bytes(c->form);
}

void check_fail(struct check_state *c, enum sync_fault fault, uint64_t line, slice text)
{
    if (c->result.fault)
        return;
    c->result.fault = fault;
    c->result.fault_line = line;
    c->result.fault_text = arena_copy_if_room(c->account, slice_characters(text, SYNC_SHOWN_MAX));
}

void check_declared_rows(struct check_state *c, uint64_t rows, uint64_t line)
{
    c->result.declared_rows = rows;
    if (rows != c->result.upserts + c->result.deletes)
        check_fail(c, SYNC_ROW_COUNT_MISMATCH, line, S(""));
}

/* ---- the rows */

err_t sync_rows_open(const struct content *content, const struct sync_position *from, struct arena *account,
                     struct arena *a, struct sync_rows **ret_rows)
{
    SCOPED(sync_rows_closep) struct sync_rows *r = must_malloc(sizeof *r);
    r->ops = ops_of(from->form);
    r->state = (struct rows_state){ .content = content, .account = account, .position = *from };
    row_maker_init(&r->state.maker, &r->state.header, account);
    TRY(r->ops->rows_open(&r->state, a, &r->form));
    *ret_rows = r;
    r = NULL;
    return NULL;
}

void sync_rows_close(struct sync_rows *r)
{
    if (!r)
        return;
    r->ops->rows_close(r->form);
    row_maker_release(&r->state.maker);
    free(r);
}

const struct sync_header *sync_rows_header(const struct sync_rows *r)
{
    return &r->state.header;
}

err_t sync_rows_next(struct sync_rows *r, struct arena *a, enum sync_step *ret_step, struct sync_row *ret_row)
{
    *ret_step = SYNC_END;
    if (r->has_ended || r->state.position.offset == 0)
        return NULL;
    TRY(r->ops->rows_next(r->form, &r->state, a, ret_step, ret_row));
    r->has_ended = *ret_step == SYNC_END;
    return NULL;
}

err_t rows_corrupt(struct arena *a)
{
    return err_make(a, ERR_CORRUPT, "the sync file is not what it was when it was checked");
}

struct sync_position sync_rows_position(const struct sync_rows *r)
{
    return r->state.position;
}
