/* SPDX-License-Identifier: Apache-2.0 */
/* A form is refused unless a condition covers every field and every condition holds. Reports about several other
 * servers say that they checked only one of the two. */
#include "sign/form_policy.h"

#include "base/json.h"
#include "base/text.h"
#include "sign/sign_priv.h"

#include <string.h>

/* ---- parse ---- */

static bool read_byte_count(const struct json *j, uint64_t *ret)
{
    int64_t v;
    if (!j || !json_to_i64(j, &v) || v < 0)
        return false;
    *ret = (uint64_t)v;
    return true;
}

/* A string. A number counts as the string of its digits, as in {"success_action_status": 201}. */
static bool read_condition_value(const struct json *j, struct arena *a, slice *ret)
{
    if (json_is(j, JS_INT))
        *ret = arena_printf(a, "%lld", (long long)j->integer);
    else if (json_is(j, JS_STRING))
        *ret = j->string;
    else
        return false;
    return true;
}

static bool read_operator(slice word, enum policy_kind *ret)
{
    static const char *const words[] = {
        [POLICY_EQ] = "eq", [POLICY_STARTS_WITH] = "starts-with", [POLICY_LENGTH] = "content-length-range"
    };
    for (size_t i = 0; i < LENGTH_OF(words); i++)
        if (slice_eq_nocase(word, slice_of(words[i]))) {
            *ret = (enum policy_kind)i;
            return true;
        }
    return false;
}

/* ["eq", "$name", "value"], ["starts-with", "$name", "value"] or ["content-length-range", 1, 10]. */
static bool read_array_condition(const struct json *j, struct arena *a, struct policy_condition *ret)
{
    const struct json *word = j->child, *first = word ? word->next : NULL, *second = first ? first->next : NULL;
    if (!json_is(word, JS_STRING) || !second || second->next || !read_operator(word->string, &ret->kind))
        return false;
    if (ret->kind == POLICY_LENGTH)
        return read_byte_count(first, &ret->min_bytes) && read_byte_count(second, &ret->max_bytes);
    if (!json_is(first, JS_STRING) || !slice_starts(first->string, S("$")) || first->string.n < 2)
        return false;
    ret->name = slice_from(first->string, 1);
    return read_condition_value(second, a, &ret->value);
}

/* An array is one condition, an object is one condition for each member. */
static size_t count_conditions(const struct json *array)
{
    size_t n = 0;
    JSON_EACH(item, array)
        n += item->type == JS_OBJECT ? json_count(item) : 1;
    return n;
}

static bool read_condition(const struct json *j, struct arena *a, struct policy_condition *list, size_t *n)
{
    if (json_is(j, JS_ARRAY))
        return read_array_condition(j, a, &list[(*n)++]);
    if (!json_is(j, JS_OBJECT) || !j->child)
        return false;
    JSON_EACH(member, j) {
        if (member->name.n == 0 || !read_condition_value(member, a, &list[*n].value))
            return false;
        list[(*n)++].name = member->name;
    }
    return true;
}

static enum sign_fault read_conditions(const struct json *array, struct arena *a, struct policy *p,
                                       struct sign_detail *detail)
{
    size_t max = json_is(array, JS_ARRAY) ? count_conditions(array) : SIZE_MAX;
    if (max > POLICY_CONDITIONS_MAX)
        return sign_because(detail, SIGN_POLICY, S("conditions"));
    struct policy_condition *list = arena_array(a, struct policy_condition, max + 1);
    p->conditions = list;
    JSON_EACH(item, array)
        if (!read_condition(item, a, list, &p->count))
            return sign_because(detail, SIGN_POLICY, S("conditions"));
    p->max_bytes = UINT64_MAX;
    for (size_t i = 0; i < p->count; i++) {
        if (list[i].kind != POLICY_LENGTH)
            continue;
        p->min_bytes = list[i].min_bytes > p->min_bytes ? list[i].min_bytes : p->min_bytes;
        p->max_bytes = list[i].max_bytes < p->max_bytes ? list[i].max_bytes : p->max_bytes;
    }
    return SIGN_OK;
}

enum sign_fault policy_parse(slice text, struct arena *a, struct policy *ret, struct sign_detail *detail)
{
    slice document;
    const struct json *json;
    struct policy p = { 0 };
    if (!base64_decode(a, text, &document))
        return sign_because(detail, SIGN_POLICY, S("base64"));
    if (json_parse(a, document, &json) || !json_is(json, JS_OBJECT))
        return sign_because(detail, SIGN_POLICY, S("JSON"));
    JSON_EACH(member, json)
        if (!slice_eq(member->name, S("expiration")) && !slice_eq(member->name, S("conditions")))
            return sign_because(detail, SIGN_POLICY, member->name);
    if (!time_parse_utc(json_str(json, "expiration"), &p.expires_at_ms))
        return sign_because(detail, SIGN_POLICY, S("expiration"));
    enum sign_fault fault = read_conditions(json_get(json, "conditions"), a, &p, detail);
    if (!fault)
        *ret = p;
    return fault;
}

/* ---- check ---- */

/* Amazon S3 API reference, "Creating a POST Policy", about starts-with and Content-Type: "if the value is a
 * comma-separated list, each value in it must meet the condition". */
static bool each_starts_with(slice list, slice prefix)
{
    slice piece;
    for (bool more = true; more;) {
        more = slice_cut(list, ',', &piece, &list);
        if (!slice_starts(slice_trim(piece), prefix))
            return false;
    }
    return true;
}

static bool value_meets(const struct policy_condition *c, slice value)
{
    if (c->kind == POLICY_EQ)
        return slice_eq(value, c->value);
    if (slice_eq_nocase(c->name, S("content-type")))
        return each_starts_with(value, c->value);
    return slice_starts(value, c->value);
}

static bool condition_holds(const struct policy_condition *c, const struct policy_form *form)
{
    bool found = false;
    if (c->kind == POLICY_LENGTH)
        return true; /* the caller compares the size */
    if (slice_eq_nocase(c->name, S("bucket"))) {
        found = true;
        if (!value_meets(c, form->bucket))
            return false;
    }
    for (size_t i = 0; i < form->field_count; i++) {
        if (!slice_eq_nocase(form->fields[i].name, c->name))
            continue;
        found = true;
        if (!value_meets(c, form->fields[i].value))
            return false;
    }
    return found;
}

static bool is_one_of(slice name, const slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(name, names[i]))
            return true;
    return false;
}

static bool needs_no_condition(const struct policy_form *form, slice name)
{
    const slice both[] = { S("policy"), S("file") }, v4[] = { S("x-amz-signature") },
                v2[] = { S("AWSAccessKeyId"), S("signature") };
    return is_one_of(name, both, LENGTH_OF(both)) || slice_starts_nocase(name, S("x-ignore-")) ||
           (form->signature == POLICY_V4 ? is_one_of(name, v4, LENGTH_OF(v4)) : is_one_of(name, v2, LENGTH_OF(v2))) ||
           is_one_of(name, form->exempt, form->exempt_count);
}

static bool is_covered(const struct policy *p, slice name)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->conditions[i].kind != POLICY_LENGTH && slice_eq_nocase(p->conditions[i].name, name))
            return true;
    return false;
}

enum sign_fault policy_check(const struct policy *p, const struct policy_form *form, int64_t now_ms,
                             struct sign_detail *detail)
{
    if (now_ms >= p->expires_at_ms)
        return SIGN_EXPIRED;
    for (size_t i = 0; i < p->count; i++)
        if (!condition_holds(&p->conditions[i], form))
            return sign_because(detail, SIGN_CONDITION, p->conditions[i].name);
    if (!is_covered(p, S("bucket"))) /* otherwise the policy would be valid for every bucket of its signer */
        return sign_because(detail, SIGN_EXTRA_FIELD, S("bucket"));
    for (size_t i = 0; i < form->field_count; i++)
        if (!is_covered(p, form->fields[i].name) && !needs_no_condition(form, form->fields[i].name))
            return sign_because(detail, SIGN_EXTRA_FIELD, form->fields[i].name);
    return SIGN_OK;
}

bool policy_field(const struct sign_pair *fields, size_t count, slice name, slice *ret_value)
{
    const struct sign_pair *nocase = NULL;
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(fields[i].name, name)) {
            *ret_value = fields[i].value;
            return true;
        }
        if (!nocase && slice_eq_nocase(fields[i].name, name))
            nocase = &fields[i];
    }
    if (nocase)
        *ret_value = nocase->value;
    return nocase != NULL;
}

/* ---- signatures ---- */

enum sign_fault policy_v4_parse(const struct sign_pair *fields, size_t count, slice region, struct arena *a,
                                struct sigv4 *ret, struct sign_detail *detail)
{
    enum { ALGORITHM, CREDENTIAL, DATE, SIGNATURE, COUNT };
    static const char *const names[COUNT] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature" };
    slice values[COUNT];
    struct sigv4 claim = { .payload = SIGV4_PAYLOAD_UNSIGNED };
    for (int i = 0; i < COUNT; i++)
        if (!policy_field(fields, count, slice_of(names[i]), &values[i]))
            return sign_because(detail, SIGN_MALFORMED, slice_of(names[i]));
    if (!slice_eq(values[ALGORITHM], SIGV4_ALGORITHM))
        return sign_because(detail, SIGN_ALGORITHM, values[ALGORITHM]);
    enum sign_fault fault = sigv4_read_credential(values[CREDENTIAL], values[DATE], region, a, &claim, detail);
    if (fault)
        return fault;
    claim.signature = values[SIGNATURE];
    *ret = claim;
    return SIGN_OK;
}

enum sign_fault policy_v4_verify(const struct sigv4 *claim, slice text, slice secret)
{
    SCRATCH(s);
    struct sigv4_key key;
    sigv4_key_derive(secret, claim->date, claim->region, &key);
    slice expected = sigv4_mac_hex(&s, &key, text);
    explicit_bzero(&key, sizeof key);
    return slice_eq_secret(expected, claim->signature) ? SIGN_OK : SIGN_MISMATCH;
}

enum sign_fault policy_v2_verify(slice text, slice signature, slice secret)
{
    SCRATCH(s);
    return slice_eq_secret(policy_v2_sign(&s, secret, text), signature) ? SIGN_OK : SIGN_MISMATCH;
}

slice policy_v4_sign(struct arena *a, const struct sigv4_signer *who, slice text, int64_t now_ms)
{
    struct sigv4_key key;
    sigv4_key_derive(who->secret, slice_part(sigv4_timestamp(a, now_ms), 0, 8), who->region, &key);
    slice signature = sigv4_mac_hex(a, &key, text);
    explicit_bzero(&key, sizeof key);
    return signature;
}

slice policy_v2_sign(struct arena *a, slice secret, slice text)
{
    unsigned char mac[SHA1_SIZE];
    hash_hmac_sha1(secret, text, mac);
    return base64_encode(a, (slice){ (const char *)mac, sizeof mac });
}

/* ---- make a policy ---- */

static void add_condition(struct json_out *o, const struct policy_condition *c, struct arena *a)
{
    if (c->kind == POLICY_EQ) {
        json_open_object(o);
        json_put_string(o, arena_cstr(a, c->name), c->value);
        json_close_object(o);
        return;
    }
    json_open_array(o);
    if (c->kind == POLICY_LENGTH) {
        json_add_string(o, S("content-length-range"));
        json_add_int(o, (int64_t)c->min_bytes);
        json_add_int(o, (int64_t)c->max_bytes);
    } else {
        const slice name[] = { S("$"), c->name };
        json_add_string(o, S("starts-with"));
        json_add_string(o, arena_join(a, name, LENGTH_OF(name)));
        json_add_string(o, c->value);
    }
    json_close_array(o);
}

slice policy_build(struct arena *a, int64_t expires_at_ms, const struct policy_condition *conditions, size_t count)
{
    SCOPED(buf_releasep) struct buf text = { 0 };
    struct json_out o;
    json_out_init(&o, &text);
    json_open_object(&o);
    json_put_string(&o, "expiration", time_format_utc(a, expires_at_ms));
    json_name(&o, "conditions");
    json_open_array(&o);
    for (size_t i = 0; i < count; i++)
        add_condition(&o, &conditions[i], a);
    json_close_array(&o);
    json_close_object(&o);
    return base64_encode(a, buf_slice(&text));
}
