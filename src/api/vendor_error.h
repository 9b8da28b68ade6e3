/* SPDX-License-Identifier: Apache-2.0 */
/* How an API says no: one row for each kind of failure. */
#ifndef CAIS_API_VENDOR_ERROR_H
#define CAIS_API_VENDOR_ERROR_H

struct vendor_error {
    int status;
    const char *code; /* stable: clients branch on it */
    const char *text; /* for people, may change */
};

#endif
