/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/session.h"

#include "sftp/entry.h"
#include "sftp/packet.h"
#include "sftp/status.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_ENTRIES ((size_t)100) /* of a READDIR; with the longest names they fit into a packet */
#define SENT_KEPT_BYTES ((size_t)1 << 20)
#define BLOCK_BYTES ((uint64_t)4096) /* the unit of statvfs */
enum { NAME_BYTES = 255 };

struct sftp_session {
    struct session_shared *shared;
    struct inbox *inbox;
    int64_t section_id;
    struct handles handles;
    struct upload_shared uploads;
    size_t upload_reserve; /* of `uploads` */
    struct buf out;
    size_t sent; /* bytes of it */
    bool has_begun, refuses_opens;
    const char *violation;
};

void session_shared_init(struct session_shared *shared, struct core *core, struct log *log, int64_t max_handles,
                         size_t memory_bytes)
{
    *shared = (struct session_shared){
        .core = core, .log = log, .handles = { .max = max_handles }, .memory = { .max = memory_bytes }
    };
    recent_init(&shared->recent, core->clock);
}

void session_shared_release(struct session_shared *shared)
{
    recent_release(&shared->recent);
}

struct sftp_session *sftp_session_open(struct session_shared *shared, struct inbox *inbox, int64_t section_id)
{
    struct sftp_session *s = must_malloc(sizeof *s);
    s->shared = shared;
    s->inbox = inbox;
    s->section_id = section_id;
    handles_init(&s->handles, &shared->handles, &shared->memory);
    s->upload_reserve = UPLOAD_RESERVE_BYTES;
    s->uploads = (struct upload_shared){ .clock = shared->core->clock,
                                         .memory = &shared->memory,
                                         .reserve = &s->upload_reserve };
    if (!shared->single_thread)
        s->uploads.helper = helper_new();
    buf_init(&s->out, 0);
    return s;
}

void sftp_session_close(struct sftp_session *s)
{
    if (!s)
        return;
    handles_release(&s->handles);
    helper_free(s->uploads.helper);
    buf_release(&s->out);
    free(s);
}

/* ---- replies ---- */

static void reply_status(struct sftp_session *s, const struct sftp_request *q, enum sftp_status status, slice text)
{
    sftp_put_status(&s->out, q->id, status, text);
}

static void reply_outcome(struct sftp_session *s, const struct sftp_request *q, err_t e)
{
    struct sftp_outcome outcome = sftp_outcome_of(e);
    if (outcome.is_internal && s->shared->log)
        log_error(s->shared->log, "an SFTP request failed", e);
    reply_status(s, q, outcome.status, outcome.text);
}

/* Returns true, after a reply, when there is an error. */
static bool replied_error(struct sftp_session *s, const struct sftp_request *q, err_t e)
{
    if (e)
        reply_outcome(s, q, e);
    return e != NULL;
}

static void reply_handle(struct sftp_session *s, const struct sftp_request *q, const struct handle *place)
{
    char name[HANDLE_NAME_SIZE];
    handle_name(&s->handles, place, name);
    sftp_put_handle(&s->out, q->id, (slice){ name, sizeof name });
}

/* The place of the request's handle, if it is of that kind; else NULL, after a reply. */
static struct handle *find_handle(struct sftp_session *s, const struct sftp_request *q, enum handle_kind kind)
{
    struct handle *place = handle_find(&s->handles, q->handle);
    if (place && (place->kind == kind || kind == HANDLE_NONE))
        return place;
    reply_status(s, q, SFTP_FAILURE, place ? S("the handle is of another kind") : S("there is no such handle"));
    return NULL;
}

/* ---- looking ---- */

/* Also finds what was put a moment ago and is in another folder now. */
static err_t find_entry(struct sftp_session *s, const struct inbox_path *path, struct arena *a, struct inbox_entry *ret)
{
    err_t e = inbox_stat(s->inbox, path, a, ret);
    uint64_t size_bytes;
    int64_t put_at_ms;
    if (err_reason(e) != REASON_INBOX_NO_FILE || path->folder != INBOX_IMPORT ||
        !recent_find(&s->shared->recent, s->section_id, path->name, &size_bytes, &put_at_ms))
        return e;
    *ret = (struct inbox_entry){ .name = path->name, .size_bytes = size_bytes, .modified_at_ms = put_at_ms };
    return NULL;
}

static err_t find_by_path(struct sftp_session *s, slice raw, struct arena *a, struct inbox_entry *ret)
{
    struct inbox_path path;
    TRY(inbox_path_read(raw, a, &path));
    return find_entry(s, &path, a, ret);
}

static void serve_stat(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_entry entry;
    if (replied_error(s, q, find_by_path(s, q->path, a, &entry)))
        return;
    struct sftp_attributes at = entry_attributes(&entry);
    sftp_put_attributes(&s->out, q->id, &at);
}

/* What is known of an open file or folder without asking for it again. */
static struct inbox_entry entry_of_handle(const struct sftp_session *s, const struct handle *place)
{
    if (place->kind == HANDLE_READER)
        return *inbox_reader_entry(place->reader);
    struct inbox_entry entry = { .modified_at_ms = clock_now_ms(s->shared->core->clock), .is_writable = true };
    if (place->kind == HANDLE_UPLOAD)
        entry.size_bytes = upload_size(place->upload);
    else
        entry.is_folder = true;
    return entry;
}

static void serve_fstat(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    (void)a;
    const struct handle *place = find_handle(s, q, HANDLE_NONE);
    if (!place)
        return;
    struct inbox_entry entry = entry_of_handle(s, place);
    struct sftp_attributes at = entry_attributes(&entry);
    sftp_put_attributes(&s->out, q->id, &at);
}

static void serve_realpath(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_path path;
    if (replied_error(s, q, inbox_path_read(q->path, a, &path)))
        return;
    slice text = inbox_path_text(&path, a);
    struct sftp_open_reply reply;
    struct sftp_attributes none = { .flags = 0 };
    sftp_put_names_begin(&s->out, &reply, q->id);
    sftp_put_name(&s->out, &reply, text, text, &none);
    sftp_put_names_end(&s->out, &reply);
}

/* ---- folders ---- */

static void serve_opendir(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_path path;
    struct inbox_entry entry;
    if (replied_error(s, q, inbox_path_read(q->path, a, &path)) ||
        replied_error(s, q, inbox_stat(s->inbox, &path, a, &entry)))
        return;
    if (!entry.is_folder) {
        reply_status(s, q, SFTP_FAILURE, S("that is no folder"));
        return;
    }
    struct handle *place = handle_open(&s->handles, HANDLE_LISTING);
    if (!place) {
        reply_status(s, q, SFTP_FAILURE, S("too many files and folders are open"));
        return;
    }
    place->listing = must_malloc(sizeof *place->listing);
    place->listing->folder = path.folder;
    reply_handle(s, q, place);
}

static void reply_entries(struct sftp_session *s, const struct sftp_request *q, const struct inbox_entry_list *list,
                          struct arena *a)
{
    struct sftp_open_reply reply;
    sftp_put_names_begin(&s->out, &reply, q->id);
    for (size_t i = 0; i < list->count; i++) {
        const struct inbox_entry *entry = &list->items[i];
        struct sftp_attributes at = entry_attributes(entry);
        sftp_put_name(&s->out, &reply, entry->name, entry_long_name(entry, clock_now_ms(s->shared->core->clock), a),
                      &at);
    }
    sftp_put_names_end(&s->out, &reply);
}

static void serve_readdir(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct handle *place = find_handle(s, q, HANDLE_LISTING);
    if (!place)
        return;
    struct listing *l = place->listing;
    struct inbox_entry_list list = { .count = 0 };
    while (!list.count && !l->cursor.is_end)
        if (replied_error(s, q, inbox_list(s->inbox, l->folder, &l->cursor, PAGE_ENTRIES, a, &list)))
            return;
    if (list.count)
        reply_entries(s, q, &list, a);
    else
        reply_status(s, q, SFTP_EOF, S(""));
}

/* ---- files ---- */

static err_t begin_upload(struct sftp_session *s, const struct sftp_request *q, const struct inbox_path *path,
                          struct handle *place, struct arena *a)
{
    unsigned flags = 0;
    if (q->open_flags & SFTP_OPEN_CREATE)
        flags |= INBOX_CREATES;
    if (q->open_flags & SFTP_OPEN_EXCLUSIVE)
        flags |= INBOX_EXCLUSIVE;
    if (q->open_flags & SFTP_OPEN_TRUNCATE)
        flags |= INBOX_TRUNCATES;
    struct inbox_writer *writer;
    TRY(inbox_write(s->inbox, path, flags, a, &writer));
    place->file = must_strdup(arena_cstr(a, path->name));
    place->upload = upload_new(&s->uploads, writer, (q->open_flags & SFTP_OPEN_APPEND) != 0);
    return NULL;
}

static void serve_open(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_path path;
    bool writes = (q->open_flags & SFTP_OPEN_WRITE) != 0;
    if (s->refuses_opens) {
        reply_status(s, q, SFTP_FAILURE, S("the server is about to stop; try again later"));
        return;
    }
    if (replied_error(s, q, inbox_path_read(q->path, a, &path)))
        return;
    struct handle *place = handle_open(&s->handles, writes ? HANDLE_UPLOAD : HANDLE_READER);
    if (!place) {
        reply_status(s, q, SFTP_FAILURE, S("too many files and folders are open"));
        return;
    }
    err_t e = writes ? begin_upload(s, q, &path, place, a) : inbox_read(s->inbox, &path, a, &place->reader);
    /* Small files and the texts of results are in memory while they are open. */
    if (!replied_error(s, q, e)) {
        if (writes || handle_count_memory(&s->handles, place, inbox_reader_memory(place->reader))) {
            reply_handle(s, q, place);
            return;
        }
        reply_status(s, q, SFTP_FAILURE, S("too many files are open"));
    }
    handle_close(&s->handles, place);
}

static void serve_read(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    const struct handle *place = find_handle(s, q, HANDLE_READER);
    if (!place)
        return;
    size_t size = q->length < SFTP_READ_MAX ? q->length : SFTP_READ_MAX, got = 0;
    struct sftp_open_reply reply;
    char *to = sftp_put_data_begin(&s->out, &reply, q->id, size);
    err_t e = inbox_reader_read(place->reader, q->offset, to, size, a, &got);
    sftp_put_data_end(&s->out, &reply, e ? 0 : got);
    if (!replied_error(s, q, e) && !got)
        reply_status(s, q, SFTP_EOF, S(""));
}

static void serve_write(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    const struct handle *place = find_handle(s, q, HANDLE_UPLOAD);
    if (place)
        reply_outcome(s, q, upload_write(place->upload, q->offset, q->data, a));
}

static void serve_close(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct handle *place = find_handle(s, q, HANDLE_NONE);
    if (!place)
        return;
    err_t e = NULL;
    if (place->kind == HANDLE_UPLOAD) {
        uint64_t size_bytes = upload_size(place->upload);
        e = upload_close(place->upload, a);
        place->upload = NULL;
        if (!e)
            recent_note(&s->shared->recent, s->section_id, slice_of(place->file), size_bytes);
    }
    reply_outcome(s, q, e);
    handle_close(&s->handles, place);
}

/* ---- names ---- */

static err_t rename_file(struct sftp_session *s, const struct sftp_request *q, bool replaces, struct arena *a)
{
    struct inbox_path from, to;
    struct inbox_entry entry;
    TRY(inbox_path_read(q->path, a, &from));
    TRY(inbox_path_read(q->to_path, a, &to));
    TRY(inbox_stat(s->inbox, &from, a, &entry));
    TRY(inbox_rename(s->inbox, &from, &to, replaces, a));
    recent_forget(&s->shared->recent, s->section_id, from.name);
    recent_note(&s->shared->recent, s->section_id, to.name, entry.size_bytes);
    return NULL;
}

static void serve_rename(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    reply_outcome(s, q, rename_file(s, q, false, a));
}

static err_t remove_file(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_path path;
    TRY(inbox_path_read(q->path, a, &path));
    TRY(inbox_remove(s->inbox, &path, a));
    recent_forget(&s->shared->recent, s->section_id, path.name);
    return NULL;
}

static void serve_remove(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    reply_outcome(s, q, remove_file(s, q, a));
}

/* The folders are always the same. */
static void serve_mkdir(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_entry entry;
    if (find_by_path(s, q->path, a, &entry))
        reply_status(s, q, SFTP_PERMISSION_DENIED, S("folders cannot be made here"));
    else
        reply_status(s, q, SFTP_FAILURE, S("that is there already"));
}

static void serve_rmdir(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_entry entry;
    if (!replied_error(s, q, find_by_path(s, q->path, a, &entry)))
        reply_status(s, q, SFTP_PERMISSION_DENIED, S("folders cannot be removed"));
}

/* ---- attributes ---- */

static void reply_set(struct sftp_session *s, const struct sftp_request *q, uint64_t size_bytes)
{
    if ((q->attributes.flags & SFTP_ATTRIBUTE_SIZE) && q->attributes.size != size_bytes)
        reply_status(s, q, SFTP_OP_UNSUPPORTED, S("the size of a file cannot be set"));
    else
        reply_status(s, q, SFTP_OK, S(""));
}

static void serve_setstat(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_entry entry;
    if (!replied_error(s, q, find_by_path(s, q->path, a, &entry)))
        reply_set(s, q, entry.size_bytes);
}

static void serve_fsetstat(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    (void)a;
    const struct handle *place = find_handle(s, q, HANDLE_NONE);
    if (place)
        reply_set(s, q, entry_of_handle(s, place).size_bytes);
}

static void serve_links(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    (void)a;
    reply_status(s, q, SFTP_OP_UNSUPPORTED, S("there are no links here"));
}

/* ---- extensions ---- */

static void serve_fsync(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    const struct handle *place = find_handle(s, q, HANDLE_NONE);
    if (place)
        reply_outcome(s, q, place->kind == HANDLE_UPLOAD ? upload_flush(place->upload, a) : NULL);
}

static void reply_space(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_space space;
    if (replied_error(s, q, inbox_space(s->inbox, a, &space)))
        return;
    sftp_put_space(&s->out, q->id,
                   &(struct sftp_space){ .block_bytes = BLOCK_BYTES,
                                         .blocks = space.total_bytes / BLOCK_BYTES,
                                         .free_blocks = space.free_bytes / BLOCK_BYTES,
                                         .name_bytes = NAME_BYTES });
}

static void serve_extended(struct sftp_session *s, const struct sftp_request *q, struct arena *a)
{
    struct inbox_entry entry;
    switch (q->extension) {
    case SFTP_FSYNC:
        serve_fsync(s, q, a);
        break;
    case SFTP_LIMITS:
        sftp_put_limits(&s->out, q->id,
                        &(struct sftp_limits){ SFTP_PACKET_MAX, SFTP_READ_MAX, SFTP_WRITE_MAX, HANDLES_MAX });
        break;
    case SFTP_STATVFS:
        if (!replied_error(s, q, find_by_path(s, q->path, a, &entry)))
            reply_space(s, q, a);
        break;
    case SFTP_FSTATVFS:
        if (find_handle(s, q, HANDLE_NONE))
            reply_space(s, q, a);
        break;
    case SFTP_POSIX_RENAME:
        reply_outcome(s, q, rename_file(s, q, true, a));
        break;
    case SFTP_HARDLINK:
        serve_links(s, q, a);
        break;
    case SFTP_EXTENSION_UNKNOWN:
        reply_status(s, q, SFTP_OP_UNSUPPORTED, S("the server does not have this extension"));
        break;
    }
}

/* ---- the packets ---- */

typedef void serve_fn(struct sftp_session *, const struct sftp_request *, struct arena *a);
static serve_fn *const servers[] = {
    [SFTP_OPEN] = serve_open,       [SFTP_CLOSE] = serve_close,       [SFTP_READ] = serve_read,
    [SFTP_WRITE] = serve_write,     [SFTP_LSTAT] = serve_stat,        [SFTP_FSTAT] = serve_fstat,
    [SFTP_SETSTAT] = serve_setstat, [SFTP_FSETSTAT] = serve_fsetstat, [SFTP_OPENDIR] = serve_opendir,
    [SFTP_READDIR] = serve_readdir, [SFTP_REMOVE] = serve_remove,     [SFTP_MKDIR] = serve_mkdir,
    [SFTP_RMDIR] = serve_rmdir,     [SFTP_REALPATH] = serve_realpath, [SFTP_STAT] = serve_stat,
    [SFTP_RENAME] = serve_rename,   [SFTP_READLINK] = serve_links,    [SFTP_SYMLINK] = serve_links,
};

static void begin(struct sftp_session *s, const struct sftp_request *q)
{
    if (q->type != SFTP_INIT)
        s->violation = "the first packet is not INIT";
    else if (q->id < SFTP_VERSION)
        s->violation = "the client speaks an older version than 3";
    else
        sftp_put_version(&s->out);
    s->has_begun = true;
}

static void serve_packet(struct sftp_session *s, slice packet)
{
    SCRATCH(scratch);
    struct sftp_request q;
    enum sftp_parsed parsed = sftp_request_parse(packet, &q);
    if (parsed == SFTP_PARSED_NO_ID) {
        s->violation = "a packet without an id";
        return;
    }
    if (!s->has_begun) {
        begin(s, &q);
        return;
    }
    serve_fn *serve = q.type < LENGTH_OF(servers) ? servers[q.type] : q.type == SFTP_EXTENDED ? serve_extended : NULL;
    if (q.type == SFTP_INIT)
        s->violation = "a second INIT";
    else if (!serve)
        reply_status(s, &q, SFTP_OP_UNSUPPORTED, S("the server does not know this request"));
    else if (parsed == SFTP_PARSED_BAD)
        reply_status(s, &q, SFTP_BAD_MESSAGE, S("the request ends before its last field"));
    else
        serve(s, &q, &scratch);
    __atomic_add_fetch(&s->shared->requests, 1, __ATOMIC_RELAXED);
}

size_t sftp_session_feed(struct sftp_session *s, slice bytes)
{
    size_t used = 0;
    slice packet;
    while (!s->violation && !sftp_session_is_full(s)) {
        enum sftp_cut cut = sftp_packet_cut(slice_from(bytes, used), &packet);
        if (cut == SFTP_CUT_PARTIAL)
            break;
        if (cut == SFTP_CUT_REFUSED) {
            s->violation = "a packet that is empty, or longer than 256 KiB";
            break;
        }
        serve_packet(s, packet);
        used += SFTP_LENGTH_SIZE + packet.n;
    }
    return used;
}

slice sftp_session_output(const struct sftp_session *s)
{
    return slice_from(buf_slice(&s->out), s->sent);
}

void sftp_session_sent(struct sftp_session *s, size_t n)
{
    s->sent += n;
    if (s->sent < s->out.n && s->sent < SENT_KEPT_BYTES)
        return;
    s->out.n -= s->sent;
    memmove(s->out.p, s->out.p + s->sent, s->out.n);
    s->sent = 0;
}

bool sftp_session_is_full(const struct sftp_session *s)
{
    return s->out.n - s->sent >= SESSION_OUTPUT_MAX;
}

const char *sftp_session_violation(const struct sftp_session *s)
{
    return s->violation;
}

bool sftp_session_is_writing(const struct sftp_session *s)
{
    return handles_count(&s->handles, HANDLE_UPLOAD) > 0;
}

void sftp_session_refuse_opens(struct sftp_session *s)
{
    s->refuses_opens = true;
}
