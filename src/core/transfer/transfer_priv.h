/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_TRANSFER_TRANSFER_PRIV_H
#define CAIS_CORE_TRANSFER_TRANSFER_PRIV_H

#include "core/store/transaction.h"
#include "core/transfer/transfer.h"

/* A transfer that the user may see and that has not expired. */
MUST_USE err_t transfer_read(struct core *, struct meta_tx *, const struct principal *who, slice name, struct arena *a,
                             struct transfer *ret);
/* All bytes are there: settle the blob, and make the file. *t: as it is afterwards. */
MUST_USE err_t transfer_finish(struct core *, const struct principal *who, struct transfer *t, struct arena *a);
/* Tells the writers of this process that they write no more, except one; NULL: all. */
void transfer_stop_writers(struct core *, slice name, const struct transfer_writer *except);
/* The mutex under which transfers of that name are opened: the top of transfer_write.c. */
pthread_mutex_t *transfer_opening_mutex(struct core *, slice name);
/* As transfer_end_writer, under that mutex. */
MUST_USE err_t transfer_end_writer_locked(struct core *, const struct principal *who, slice name, struct arena *a,
                                          struct transfer *ret);
/* Is there a writer of that id here that has brought nothing for a while? One of another process is known by its lease alone. */
bool transfer_is_silent(struct core *, slice name, slice writer);
/* Cuts off what was written behind the offset, which ends every writer. Under that mutex, while nobody else may write. If it fails,
 * the next writer does it. */
void transfer_cut_blob(struct core *, const struct transfer *);
/* Of the record, without its bytes. */
int64_t transfer_record_size(const struct transfer *);

#endif
