/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts, styles and pictures of the pages. They are built from src/portal and are part of the program. */
#ifndef CAIS_API_PORTAL_ASSETS_PRIV_H
#define CAIS_API_PORTAL_ASSETS_PRIV_H

#include "base/slice.h"

struct portal_asset {
    const char *name, *type;
    slice plain, gzip;
};
/* The table that tools/embed-bundle writes, by name. */
extern const struct portal_asset portal_assets[];
extern const size_t portal_asset_count;
extern const char portal_assets_version[]; /* 16 hex digits that change with any of them */

#define PORTAL_ASSETS_PATH "/portal/assets/" /* then the version, a slash, and the name */

#endif
