/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told of an error. */
#ifndef CAIS_SFTP_STATUS_H
#define CAIS_SFTP_STATUS_H

#include "base/err.h"
#include "sftp/packet.h"

struct sftp_outcome {
    enum sftp_status status;
    slice text;       /* for a person; static, or as long as the error */
    bool is_internal; /* it is none of the client's doing, and belongs in the log */
};
/* Of an error of core, or of success. */
struct sftp_outcome sftp_outcome_of(err_t e);

#endif
