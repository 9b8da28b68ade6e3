/* SPDX-License-Identifier: Apache-2.0 */
#include "core/figures.h"

#include "core/store/figures_store.h"
#include "core/store/transaction.h"

enum { ACCOUNTS_AT_ONCE = 500, FORGOTTEN_AT_ONCE = 500 };
#define DAY_MS ((int64_t)24 * 3600 * 1000)

int64_t figures_day(int64_t at_ms)
{
    return at_ms / DAY_MS;
}

struct figures_change {
    struct figures_piece piece;
    int64_t last_id; /* of its accounts; 0: there are no more */
    int64_t forgotten;
};

static err_t apply_figures(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct figures_change *c = arg;
    return meta_figures_write(tx, &c->piece, a, &c->last_id);
}

static err_t apply_figures_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct figures_change *c = arg;
    return meta_figures_forget(tx, c->piece.day - FIGURES_DAYS + 1, FORGOTTEN_AT_ONCE, a, &c->forgotten);
}

err_t figures_write(struct core *core, struct job_run *run, struct arena *a)
{
    int64_t now_ms = core_now_ms(core);
    struct figures_change c = { .piece = { .limit = ACCOUNTS_AT_ONCE, .day = figures_day(now_ms), .at_ms = now_ms } };
    do {
        SCRATCH(scratch);
        err_t e = meta_write(core->meta, apply_figures, &c, &scratch);
        if (e)
            return err_copy(a, e);
        c.piece.after_id = c.last_id;
    } while (c.last_id && !job_is_stopping(run));
    return job_write_pieces(
        core, run,
        &(struct job_pieces){
            .apply = apply_figures_forget, .arg = &c, .count = &c.forgotten, .size = FORGOTTEN_AT_ONCE },
        a);
}

err_t figures_list(struct core *core, int64_t account_id, int64_t from_day, int64_t to_day, struct arena *a,
                   struct figures_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_figures_list(tx, account_id, from_day, to_day, a, ret);
}
