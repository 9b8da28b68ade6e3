/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_STORE_NAME_KEYS_H
#define CAIS_CORE_STORE_NAME_KEYS_H

#include "base/slice.h"

/* A name and a path with the case of their letters folded (base/case_fold.h), by which they are compared. */
struct name_keys {
    slice name, path;
};
struct names_taken {
    bool name, path;
};

#endif
