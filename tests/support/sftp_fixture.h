/* SPDX-License-Identifier: Apache-2.0 */
/* An SFTP session over a whole core, without SSH: the client is ana of sync_fixture.h. */
#ifndef CAIS_TESTS_SFTP_FIXTURE_H
#define CAIS_TESTS_SFTP_FIXTURE_H

#include "sftp/session.h"
#include "sync_fixture.h"

#define SFTP_FIXTURE_HANDLES 1000
#define SFTP_FIXTURE_MEMORY ((size_t)16 << 20)

struct sftp_fixture {
    struct world *w;
    struct principal who;
    int64_t bucket_id;
    struct session_shared shared;
    struct inbox *inbox;
    struct sftp_session *s;
};
/* A session of `who` in the world. */
void sftp_fixture_begin(struct sftp_fixture *, struct world *, const struct principal *who, int64_t bucket_id);
/* The same for a world with threads: the session has a helper. */
void sftp_fixture_begin_threaded(struct sftp_fixture *, struct world *, const struct principal *who, int64_t bucket_id);
/* The client is cut, and begins again. */
void sftp_fixture_reconnect(struct sftp_fixture *);
/* The same with another key. */
void sftp_fixture_change_key(struct sftp_fixture *, const struct principal *who);
/* Nothing is left open, and no memory is counted. */
void sftp_fixture_end(struct sftp_fixture *);

#endif
