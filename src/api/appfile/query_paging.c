/* SPDX-License-Identifier: Apache-2.0 */
#include "api/appfile/query_paging.h"

#include "api/appfile/members.h"
#include "core/records/record.h"

static void read_number(const struct json *body, const char *name, int64_t max, struct appfile_field_errors *errors,
                        uint64_t *value)
{
    const struct json *member = appfile_member(body, name);
    int64_t number;
    if (!member)
        return;
    if (json_to_i64(member, &number) && number >= 0 && number <= max)
        *value = (uint64_t)number;
    else
        appfile_add_field_error(errors, name, APPFILE_INVALID,
                                max == RECORD_PAGE_MAX ? "It must be a whole number from 0 to 1000."
                                                       : "It must be a whole number, 0 or more.");
}

void query_read_flag(const struct json *body, const char *name, struct appfile_field_errors *errors, bool *value)
{
    const struct json *member = appfile_member(body, name);
    if (member && !appfile_flag(member, value))
        appfile_add_field_error(errors, name, APPFILE_INVALID, "It must be true or false.");
}

void query_read_paging(const struct json *body, struct appfile_field_errors *errors, struct query_paging *ret)
{
    *ret = (struct query_paging){ .take = QUERY_TAKE_DEFAULT };
    read_number(body, "Skip", INT64_MAX, errors, &ret->skip);
    read_number(body, "Take", RECORD_PAGE_MAX, errors, &ret->take);
    query_read_flag(body, "WithoutTotal", errors, &ret->without_total);
}

err_t query_refuse(struct arena *a, err_t e)
{
    return err_is(e, ERR_EXPIRED) ? appfile_refuse_because(a, e, APPFILE_QUERY_TIMEOUT) : e;
}

void query_begin_reply(struct buf *out)
{
    struct json_out o;
    json_out_init(&o, out);
    appfile_open_envelope(&o, true, NULL);
    json_name(&o, "Data");
}

void query_end_reply(struct buf *out, const struct query_paging *paging, uint64_t total)
{
    if (paging->without_total)
        buf_add_byte(out, '}');
    else
        buf_printf(out, ",\"Total\":%llu}", (unsigned long long)total);
}
