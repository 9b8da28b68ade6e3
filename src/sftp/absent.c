/* SPDX-License-Identifier: Apache-2.0 */
/* The server of a program that was built without libssh: there is none. */
#include "sftp/server.h"

#include <assert.h>
#include <string.h>

err_t sftp_service_new(const struct sftp_options *options, struct arena *a, struct sftp_service **ret)
{
    (void)options;
    (void)ret;
    return err_make(a, ERR_UNSUPPORTED, "this program was built without SFTP (-Dsftp=disabled)");
}

err_t sftp_service_listen(struct sftp_service *s, const char *address, struct arena *a, slice *ret_address)
{
    (void)s;
    (void)address;
    (void)a;
    (void)ret_address;
    assert(!"there is no such service");
    return NULL;
}

err_t sftp_service_start(struct sftp_service *s, struct arena *a)
{
    (void)s;
    (void)a;
    assert(!"there is no such service");
    return NULL;
}

void sftp_service_drain(struct sftp_service *s)
{
    (void)s;
}

void sftp_service_stop(struct sftp_service *s, int64_t grace_ms)
{
    (void)s;
    (void)grace_ms;
}

void sftp_service_end_grace(struct sftp_service *s)
{
    (void)s;
}

void sftp_service_free(struct sftp_service *s)
{
    (void)s;
}

void sftp_service_stats(struct sftp_service *s, struct sftp_stats *ret)
{
    (void)s;
    memset(ret, 0, sizeof *ret);
}
