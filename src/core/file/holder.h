/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of one kind of holders. Each kind of core/records/holders.def defines one struct holder_rules, in the room
 * of its noun; core->holders lists all of them, so that files know nothing of the things that hold them. */
#ifndef CAIS_CORE_FILE_HOLDER_H
#define CAIS_CORE_FILE_HOLDER_H

#include "core/core.h"
#include "core/records/file.h"
#include "core/records/holder.h"

struct meta_tx;

struct holder_rules {
    int kind;         /* an enum holder_kind */
    const char *name; /* for messages: "task" */
    /* When a holder of this kind ends, files that came by ticket and that nothing else holds are removed at once, kept
     * or not. Otherwise they get a purge time, like all other files. */
    bool removes_ticket_files;

    /* A ticket names the holder that its file goes to (core/ticket/ticket.h), and a transfer may (core/transfer/transfer.h). These calls
     * run inside the write of the ticket or transfer. */

    /* May the user put files there? ret_text describes the holder in a few words, for example with the beginning of a
     * task's text; it lives in `a`. Errors: NOT_FOUND the holder does not exist or is not visible to the user. */
    MUST_USE err_t (*admit)(struct meta_tx *, const struct principal *who, int64_t id, struct arena *a,
                            slice *ret_text);
    /* The oldest file of that name there. Errors: NOT_FOUND. */
    MUST_USE err_t (*find_named)(struct meta_tx *, int64_t id, slice name, struct arena *a, int64_t *ret_file_id);
    /* The ticket is confirmed, or the transfer complete: hold the file (hold_add), and add what else the holder has of its files.
     * Errors: NOT_FOUND there is no such holder; TOO_LARGE it has as many files as it may have; those of hold_add. */
    MUST_USE err_t (*attach)(struct core *, struct meta_tx *, int64_t id, const struct file *, int64_t now_ms,
                             struct arena *a);

    /* fsck compares the holds of each kind with what its holders' own records say. */

    /* *ret_refers: the holder exists, and its own records refer to the file. */
    MUST_USE err_t (*refers)(struct meta_tx *, int64_t id, int64_t file_id, struct arena *a, bool *ret_refers);
    /* A page of the files that holders of this kind refer to, at most `limit` of them. *after says where the page begins
     * (0: at the first one), and is set to where the next page begins; when it does not change there are no more. The
     * page may be empty although others follow, and it may have the same pair twice. */
    MUST_USE err_t (*list_files)(struct meta_tx *, int64_t *after, size_t limit, struct arena *a,
                                 struct hold_list *ret);
};

/* NULL: no such kind. */
const struct holder_rules *holder_rules_of(const struct core *, int kind);

#endif
