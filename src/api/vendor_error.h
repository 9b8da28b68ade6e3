/* SPDX-License-Identifier: Apache-2.0 */
/* One error reply of an API. Each API has a table with a row for every kind of failure. */
#ifndef CAIS_API_VENDOR_ERROR_H
#define CAIS_API_VENDOR_ERROR_H

struct vendor_error {
    int status;       /* of HTTP */
    const char *code; /* stable: clients branch on it */
    const char *text; /* for people; may change */
};

#endif
