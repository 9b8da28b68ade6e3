/* What access.c keeps between two checks of the same secret. */
#ifndef CAIS_CORE_ACCESS_PRIV_H
#define CAIS_CORE_ACCESS_PRIV_H

#include "core/access.h"

struct access_found {
    struct principal principal;
    int64_t expires_at_ms; /* 0: never */
};

/* False: not there, or from another generation. */
bool access_cache_find(struct access_cache *, slice purpose, enum credential_form, const unsigned char *hash,
                       uint64_t generation, struct arena *a, struct access_found *ret);
/* generation: read before the rows were. */
void access_cache_put(struct access_cache *, slice purpose, enum credential_form, const unsigned char *hash,
                      uint64_t generation, const struct access_found *);

#endif
