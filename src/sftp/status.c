/* SPDX-License-Identifier: Apache-2.0 */
/* Version 3 has few codes: what is neither missing nor forbidden is a FAILURE, and its text says why. Only the texts of core's rules are
 * passed on; those of other errors may name files of the server. */
#include "sftp/status.h"

#include "core/reasons.h"

static struct sftp_outcome outcome_of_code(enum err_code code)
{
    switch (code) {
    case ERR_NOT_FOUND:
        return (struct sftp_outcome){ SFTP_NO_SUCH_FILE, S("there is no such file"), false };
    case ERR_UNAUTHENTICATED:
    case ERR_FORBIDDEN:
    case ERR_EXPIRED:
    case ERR_REVOKED:
    case ERR_BLOCKED:
        return (struct sftp_outcome){ SFTP_PERMISSION_DENIED, S("the key may not do that, or not any more"), false };
    case ERR_TOO_LARGE:
        return (struct sftp_outcome){ SFTP_FAILURE, S("the file is larger than the limit"), false };
    case ERR_QUOTA:
        return (struct sftp_outcome){ SFTP_FAILURE, S("the limit of the account is reached"), false };
    case ERR_NO_SPACE:
        return (struct sftp_outcome){ SFTP_FAILURE, S("the server has no space left"), false };
    case ERR_CONFLICT:
        return (struct sftp_outcome){ SFTP_FAILURE, S("the file has changed meanwhile"), false };
    case ERR_UNSUPPORTED:
        return (struct sftp_outcome){ SFTP_OP_UNSUPPORTED, S("the server does not offer that"), false };
    default:
        return (struct sftp_outcome){ SFTP_FAILURE, S("the server could not do that; try again later"), true };
    }
}

struct sftp_outcome sftp_outcome_of(err_t e)
{
    if (!e)
        return (struct sftp_outcome){ SFTP_OK, S(""), false };
    struct sftp_outcome outcome = outcome_of_code(e->code);
    if (e->reason > REASON_NONE && e->reason < REASON_END) {
        outcome.text = slice_of(e->msg);
        outcome.is_internal = false;
    }
    return outcome;
}
