/* SPDX-License-Identifier: Apache-2.0 */
/* An SFTP server: SSH by libssh, and the protocol of session.h. Clients log in with a public key and get the inbox of the section that
 * the key belongs to. There are no passwords, no shell, no commands and no forwarding.
 *
 *   sftp_service_new ──► sftp_service_listen* ──► sftp_service_start ──► sftp_service_stop ──► sftp_service_free
 *
 * Threads     one accepts, and each connection has one of its own
 * Functions may be called by one thread at a time, but for those that say otherwise. */
#ifndef CAIS_SFTP_SERVER_H
#define CAIS_SFTP_SERVER_H

#include "sftp/options.h"

struct sftp_service;
/* Reads the host keys, or makes them. The caller holds the lock of the data directory. Errors: UNSUPPORTED the program was built
 * without SFTP; those of host_key.h. */
MUST_USE err_t sftp_service_new(const struct sftp_options *, struct arena *a, struct sftp_service **ret);
/* Errors: those of listen_on_tcp; INVALID too many addresses. ret_address: with the actual port, in `a`. */
MUST_USE err_t sftp_service_listen(struct sftp_service *, const char *address, struct arena *a, slice *ret_address);
/* Errors: UNAVAILABLE. */
MUST_USE err_t sftp_service_start(struct sftp_service *, struct arena *a);
/* Accept nothing more, open no files any more, and end the connections that write none. */
void sftp_service_drain(struct sftp_service *);
/* The same, and those that write have grace_ms to complete it. Returns when every thread has ended. Files that are cut stay partial. */
void sftp_service_stop(struct sftp_service *, int64_t grace_ms);
/* End the grace period at once. Thread: any. */
void sftp_service_end_grace(struct sftp_service *);
/* After stop, or if it was never started. NULL is fine, here and above. */
void sftp_service_free(struct sftp_service *);

/* Thread: any. */
void sftp_service_stats(struct sftp_service *, struct sftp_stats *ret);

#endif
