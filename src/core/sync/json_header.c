/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/json_header_priv.h"

#include <stdlib.h>

const struct json *json_get_nocase(const struct json *object, slice name)
{
    if (json_is(object, JS_OBJECT))
        JSON_EACH(member, object)
            if (slice_eq_nocase(member->name, name))
                return member;
    return NULL;
}

/* What a scalar says; numbers are their text (json_parse_exact). False: it is an object or array. */
static bool text_of(const struct json *j, slice *ret)
{
    if (j->type == JS_ARRAY || j->type == JS_OBJECT)
        return false;
    if (j->type == JS_BOOL)
        *ret = j->boolean ? S("true") : S("false");
    else
        *ret = j->type == JS_NULL ? S("") : j->string;
    return true;
}

struct text_member {
    slice name;
    slice *to;
};

static bool read_texts(const struct json *object, const struct text_member *members, size_t count, slice *ret_bad)
{
    for (size_t i = 0; i < count; i++) {
        const struct json *j = json_get_nocase(object, members[i].name);
        *ret_bad = members[i].name;
        if (j && (!text_of(j, members[i].to) || members[i].to->n > SYNC_TEXT_MAX))
            return false;
    }
    return true;
}

static int compare_replacements(const void *a, const void *b)
{
    const struct sync_replacement *x = a, *y = b;
    return slice_cmp(x->from, y->from);
}

static bool read_dictionary(const struct json *dictionary, struct arena *a, struct sync_field *f)
{
    if (json_absent(dictionary))
        return true;
    if (dictionary->type != JS_OBJECT)
        return false;
    struct sync_replacement *items = arena_array(a, struct sync_replacement, json_count(dictionary));
    JSON_EACH(member, dictionary) {
        struct sync_replacement *item = &items[f->dictionary_count++];
        item->from = member->name;
        if (!text_of(member, &item->to))
            return false;
    }
    if (f->dictionary_count)
        qsort(items, f->dictionary_count, sizeof *items, compare_replacements);
    f->dictionary = items;
    return true;
}

static bool read_field(const struct json *mapping, struct arena *a, struct sync_field *f, slice *ret_bad)
{
    slice type = S("");
    const struct text_member members[] = { { S("code"), &f->code }, { S("name"), &f->name }, { S("type"), &type } };
    *ret_bad = mapping->name;
    if (mapping->type != JS_OBJECT)
        return false;
    if (!read_texts(mapping, members, sizeof members / sizeof *members, ret_bad))
        return false;
    f->code = f->code.n ? f->code : mapping->name;
    f->name = f->name.n ? f->name : mapping->name;
    *ret_bad = f->code;
    return (!type.n || sync_type_find(type, &f->type)) &&
           read_dictionary(json_get_nocase(mapping, S("dictionary")), a, f);
}

static enum sync_fault read_fields(struct sync_draft *d, const struct json *mappings, struct arena *a, slice *ret_bad)
{
    *ret_bad = S("FieldMappings");
    if (!json_is(mappings, JS_OBJECT))
        return SYNC_BAD_HEADER;
    if (json_count(mappings) > SYNC_FIELDS_MAX)
        return SYNC_BAD_FIELD;
    JSON_EACH(mapping, mappings)
        if (!read_field(mapping, a, &d->fields[d->field_count++], ret_bad))
            return SYNC_BAD_FIELD;
    return SYNC_FINE;
}

static enum sync_fault read_keys(struct sync_draft *d, const struct json *keys, slice *ret_bad)
{
    slice code;
    *ret_bad = S("keys");
    if (!json_is(keys, JS_ARRAY))
        return SYNC_BAD_HEADER;
    JSON_EACH(key, keys)
        if (!text_of(key, &code) || !sync_draft_add_key(d, *ret_bad = code))
            return SYNC_BAD_FIELD;
    return SYNC_FINE;
}

static bool read_all_texts(struct sync_header *to, const struct json *header, const struct json *metadata,
                           slice *ret_bad)
{
    const struct text_member of_header[] = { { S("customer"), &to->customer }, { S("fileType"), &to->file_type } };
    const struct text_member of_metadata[] = {
        { S("entityType"), &to->entity_type }, { S("workspaceId"), &to->workspace },  { S("bucketId"), &to->bucket },
        { S("dataSource"), &to->datasource },  { S("fileCreateTime"), &to->created }, { S("flowType"), &to->action }
    };
    if (!read_texts(header, of_header, sizeof of_header / sizeof *of_header, ret_bad) ||
        !read_texts(metadata, of_metadata, sizeof of_metadata / sizeof *of_metadata, ret_bad))
        return false;
    *ret_bad = to->entity_type.n ? S("dataSource") : S("entityType");
    return to->entity_type.n && to->datasource.n;
}

enum sync_fault json_header_read(slice text, struct arena *a, struct sync_header *ret, slice *ret_bad)
{
    const struct json *header;
    struct sync_draft d;
    *ret_bad = S("header");
    if (json_parse_exact(a, text, &header) || header->type != JS_OBJECT)
        return SYNC_BAD_HEADER;
    const struct json *metadata = json_get_nocase(header, S("metadata"));
    *ret_bad = S("metadata");
    if (!json_is(metadata, JS_OBJECT))
        return SYNC_BAD_HEADER;
    sync_draft_init(&d, a);
    if (!read_all_texts(&d.header, header, metadata, ret_bad))
        return SYNC_BAD_HEADER;
    enum sync_fault fault = read_keys(&d, json_get_nocase(metadata, S("keys")), ret_bad);
    if (!fault)
        fault = read_fields(&d, json_get_nocase(header, S("FieldMappings")), a, ret_bad);
    if (!fault)
        fault = sync_draft_end(&d, a, ret_bad);
    if (!fault)
        *ret = d.header;
    return fault;
}
