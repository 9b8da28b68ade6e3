/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/link_bucket.h"
#include "core/access/access.h"
#include "http/field.h"

/* The names of bucket and region become parts of URLs and of signed scopes. The operator may choose
 * them freely otherwise. */
static err_t check_name(slice name, struct arena *a)
{
    bool good = name.n > 0;
    for (size_t i = 0; i < name.n; i++)
        good = good && is_token_char(name.p[i]);
    return good ? NULL
                : err_make(a, ERR_INVALID, "'" SLICE_FMT "' is no name for a bucket or a region", SLICE_ARG(name));
}

err_t link_bucket_open(struct core *core, slice name, struct sigv4_signer *signer, struct arena *a, struct bucket *ret)
{
    TRY(check_name(name, a));
    TRY(check_name(signer->region, a));
    TRY(bucket_ensure(core, name, a, ret));
    return access_own_signing(core, S("s3"), a, &signer->access_key, &signer->secret);
}
