/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose import is asked for together with their bytes. The bytes of an intake (core/object/intake.h) become a file, a sync file
 * that holds it, and a queued import, in one write. Thread: any. */
#ifndef CAIS_CORE_SYNC_TAKE_H
#define CAIS_CORE_SYNC_TAKE_H

#include "core/object/intake.h"
#include "core/sync/sync_file.h"

/* A file on its way. The struct, and what it points to, live until the upload has ended. */
struct sync_upload {
    struct core *core;
    const struct principal *who;
    /* These two may be set as late as before intake_finish. Of the request, name, lifetime_ms and pending_ms are not used: it has the
     * name of the intake, and no link. */
    struct sync_request request;
    enum sync_form form;
    /* Set by the write, when it succeeds: as it is then, without texts but the handle, which is in this struct. */
    struct sync_file result;
    char handle[SYNC_HANDLE_LENGTH], action[SYNC_HANDLE_LENGTH];
};
/* Makes the intake's file one of a section. Sets what follows from the file being held. Errors of the intake: also SYNC_NO_ACCESS;
 * SYNC_LONG_KEY; QUOTA. */
void sync_upload_into(struct sync_upload *, struct intake_request *);

#endif
