/* SPDX-License-Identifier: Apache-2.0 */
#include "oci_fixture.h"

#include "core/dataset/dataset_file.h"
#include "test.h"

#include <stdlib.h>

static struct oci_fixture *open_beside(struct datasnap_fixture *d)
{
    struct oci_fixture *f = must_malloc(sizeof *f);
    *f = (struct oci_fixture){ .d = d, .w = d->w, .a = d->a };
    f->oci = (struct oci){ .core = &f->w->core };
    f->http_api = oci_api(&f->oci);
    f->http = fake_http_new(&f->http_api);
    return f;
}

struct oci_fixture *oci_fixture_new(void)
{
    struct oci_fixture *f = open_beside(datasnap_fixture_new(NULL));
    f->vendas =
        datasnap_schema(f->d, "vendas", "\"fields\":{\"id\":\"integer\",\"produto\":\"string\"},\"required\":[\"id\"]");
    return f;
}

struct oci_fixture *oci_fixture_kept(struct world_kept *kept, const struct oci_fixture *origin)
{
    struct oci_fixture *f = open_beside(datasnap_fixture_kept(kept));
    f->vendas = origin->vendas;
    return f;
}

void oci_fixture_free(struct oci_fixture *f)
{
    fake_http_release(&f->http);
    datasnap_fixture_free(f->d);
    free(f);
}

slice oci_url(struct oci_fixture *f, const char *slug, int minutes, int64_t *ret_token)
{
    struct fake_reply *r = datasnap_sendf(f->d, DS_WRITER, arena_printf(f->a, "{\"minutes\":%d}", minutes).p,
                                          "POST /v1/schemas/%s/generate-upload-token", slug);
    slice url = datasnap_str(f->d, r, "upload_url");
    EXPECT_EQ(r->status, 200);
    if (ret_token)
        *ret_token = datasnap_int(f->d, r, "id");
    return slice_from(url, slice_find(url, S("/p/")));
}

struct fake_reply *oci_send(struct oci_fixture *f, struct fake_request r)
{
    size_t n = 0;
    bool has_length = r.chunked;
    for (; r.headers[n].name.n; n++)
        has_length |= slice_eq_nocase(r.headers[n].name, S("Content-Length"));
    if (!has_length)
        r.headers[n] = (struct http_header){ S("Content-Length"), arena_printf(f->a, "%zu", r.body.n) };
    r.method = r.method ? r.method : "PUT";
    return fake_http_send(&f->http, &r);
}

struct fake_reply *oci_put(struct oci_fixture *f, slice url, const char *name, slice bytes)
{
    return oci_send(
        f, (struct fake_request){ .target = arena_printf(f->a, SLICE_FMT "/%s", SLICE_ARG(url), name), .body = bytes });
}

struct dataset_file_list oci_files(struct oci_fixture *f)
{
    struct dataset_file_query query = { .dataset_id = f->vendas.id, .ascends = true, .limit = 100 };
    struct dataset_file_list files = { 0 };
    EXPECT_OK(dataset_file_list(&f->w->core, &query, f->a, &files, NULL));
    return files;
}
