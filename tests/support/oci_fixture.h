/* SPDX-License-Identifier: Apache-2.0 */
/* Upload URLs without sockets: a DataSnap server that issues them (datasnap_fixture.h), and the API that takes the files. */
#ifndef CAIS_TESTS_OCI_FIXTURE_H
#define CAIS_TESTS_OCI_FIXTURE_H

#include "api/oci/oci.h"
#include "datasnap_fixture.h"

struct oci_fixture {
    struct datasnap_fixture *d;
    struct world *w;
    struct arena *a;
    struct oci oci;
    struct http_api http_api;
    struct fake_http http;
    struct dataset vendas; /* "vendas": id integer, required; produto string */
};

struct oci_fixture *oci_fixture_new(void);
/* A copy of the world of `origin`, whose image is in `kept` (world_image). URLs of the origin are valid; it issues no others. */
struct oci_fixture *oci_fixture_kept(struct world_kept *kept, const struct oci_fixture *origin);
void oci_fixture_free(struct oci_fixture *);
static inline void oci_fixture_freep(struct oci_fixture **f)
{
    oci_fixture_free(*f);
}
#define OCI_FIXTURE(name) SCOPED(oci_fixture_freep) struct oci_fixture *name = oci_fixture_new()

/* Issues an upload URL as a writer: its path, as a client appends names to it. *ret_token: the id; may be NULL. */
slice oci_url(struct oci_fixture *, const char *slug, int minutes, int64_t *ret_token);
/* Sends the request; adds Content-Length unless it is chunked or has one. NULL as method: PUT. */
struct fake_reply *oci_send(struct oci_fixture *, struct fake_request);
/* PUT url/name. */
struct fake_reply *oci_put(struct oci_fixture *, slice url, const char *name, slice bytes);
/* The files of "vendas" as the DataSnap API keeps them, by id. */
struct dataset_file_list oci_files(struct oci_fixture *);

#endif
