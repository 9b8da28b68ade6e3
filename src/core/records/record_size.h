/* SPDX-License-Identifier: Apache-2.0 */
/* What a record counts for in the room of an account: RECORD_BYTES for each row, with its indexes, and its texts. The rule
 * is simple rather than exact: what a row really takes depends on the database and on its neighbours. The statements of
 * meta_usage_check (src/meta/account_store.c) apply the same rule to the rows, so what a record adds, what its removal
 * gives back, and what fsck counts are equal. */
#ifndef CAIS_CORE_RECORDS_RECORD_SIZE_H
#define CAIS_CORE_RECORDS_RECORD_SIZE_H

#include "core/records/bucket.h"
#include "core/records/comment.h"
#include "core/records/dataset.h"
#include "core/records/enrolment.h"
#include "core/records/entity.h"
#include "core/records/entry.h"
#include "core/records/environment.h"
#include "core/records/file.h"
#include "core/records/folder.h"
#include "core/records/record_set.h"
#include "core/records/reference.h"
#include "core/records/report.h"
#include "core/records/space.h"
#include "core/records/sync_file.h"
#include "core/records/task.h"
#include "core/records/ticket.h"
#include "core/records/upload.h"
#include "core/records/workspace.h"

enum { RECORD_BYTES = 256 };

static inline int64_t record_size(size_t text_bytes)
{
    return RECORD_BYTES + (int64_t)text_bytes;
}
static inline int64_t file_record_size(const struct file *f)
{
    return record_size(f->origin.n + f->name.n + f->content_type.n);
}
static inline int64_t ticket_record_size(const struct ticket *k)
{
    return record_size(k->key.n);
}
static inline int64_t bucket_record_size(const struct bucket *b)
{
    return record_size(b->name.n + b->cors.n);
}
/* With the rows that name the parts of a composite. */
static inline int64_t entry_record_size(const struct entry *e)
{
    return RECORD_BYTES * e->part_count + record_size(e->key.n + e->upload.n + e->headers.n + e->tags.n);
}
/* Of the upload without its parts, each of which is a record without texts. */
static inline int64_t upload_record_size(const struct upload *u)
{
    return record_size(u->name.n + u->key.n + u->headers.n + u->tags.n);
}
/* Of the task without its members, comments and references. A member is a record without texts. */
static inline int64_t task_record_size(const struct task *t)
{
    return record_size(t->text.n + t->subject.n + t->details.n);
}
static inline int64_t comment_record_size(const struct comment *m)
{
    return record_size(m->text.n + m->details.n);
}
/* Of a reference that is added. A reference that was read may show the name of its file instead of its own. */
static inline int64_t reference_record_size(const struct reference *r)
{
    return record_size(r->url.n + r->name.n);
}
static inline int64_t environment_record_size(const struct environment *e)
{
    return record_size(e->name.n + e->path.n + e->initials.n + e->description.n);
}
static inline int64_t course_record_size(const struct course *c)
{
    return record_size(c->name.n + c->path.n + c->description.n);
}
static inline int64_t enrolment_record_size(const struct enrolment *n)
{
    return record_size(n->email.n);
}
static inline int64_t space_record_size(const struct space *s)
{
    return record_size(s->name.n + s->description.n);
}
/* Of the folder without its files. That a file is in a folder is a record without texts. */
static inline int64_t folder_record_size(const struct folder *d)
{
    return record_size(d->name.n);
}
/* Three characters and a line break for each column, and its name. */
static inline size_t dataset_columns_bytes(const struct column_list *columns)
{
    size_t bytes = 0;
    for (size_t i = 0; i < columns->count; i++)
        bytes += columns->items[i].name.n + 4;
    return bytes;
}
/* With its rows in the dataset store, as far as table_bytes tells. */
static inline int64_t dataset_record_size(const struct dataset *d)
{
    return record_size(d->slug.n + d->name.n + d->schedule.n + dataset_columns_bytes(&d->columns)) + d->table_bytes;
}
static inline int64_t dataset_file_record_size(const struct dataset_file *f)
{
    return record_size(f->name.n + f->headers.n + f->errors.n);
}
static inline int64_t workspace_record_size(const struct workspace *w)
{
    return record_size(w->name.n);
}
static inline int64_t section_record_size(const struct section *s)
{
    return record_size(s->name.n);
}
static inline int64_t entity_record_size(const struct entity *e)
{
    return record_size(e->name.n + e->type.n + e->data_source.n);
}
/* With its records, as far as `bytes` tells. */
static inline int64_t record_set_size(const struct record_set *s)
{
    return record_size(s->data_source.n) + s->bytes;
}
/* Without the file that it holds. */
static inline int64_t sync_file_record_size(const struct sync_file *f)
{
    return record_size(f->handle.n + f->key.n + f->name.n + f->entity_type.n + f->folder.n + f->category.n +
                       f->remark.n + f->tags.n + f->metadata.n + f->action.n + f->content_type.n + f->origin.n +
                       f->import.data_source.n + f->import.reference.n) +
           f->report_bytes;
}
static inline int64_t reporter_record_size(const struct reporter *r)
{
    return record_size(r->name.n + r->version.n + r->host.n + r->system.n);
}
static inline int64_t report_run_record_size(const struct report_run *r)
{
    return record_size(r->key.n + r->details.n);
}

#endif
