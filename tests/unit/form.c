/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "api/kit/form.h"

/* The form as JSON text, or the name of the error. */
static slice read_form(struct arena *a, slice text)
{
    const struct json *j;
    err_t e = form_parse(text, a, &j);
    if (e)
        return slice_of(e->code == ERR_TOO_LARGE ? "TOO_LARGE" : e->code == ERR_INVALID ? "INVALID" : "?");
    struct buf b;
    buf_init(&b, 0);
    struct json_out o;
    json_out_init(&o, &b);
    json_add_value(&o, j);
    slice made = arena_copy(a, buf_slice(&b));
    buf_release(&b);
    return made;
}

static void expect_form(const char *form, const char *json)
{
    SCRATCH(a);
    EXPECT_SLICE(read_form(&a, slice_of(form)), slice_of(json));
}

TEST(names_without_brackets_become_members)
{
    expect_form("", "{}");
    expect_form("a=1&b=", "{\"a\":\"1\",\"b\":\"\"}");
    expect_form("text=veja+anexo%21&x", "{\"text\":\"veja anexo!\",\"x\":\"\"}");
}

TEST(brackets_become_members_of_members)
{
    expect_form("document[data_file_name]=a.txt&document[data_file_size]=22",
                "{\"document\":{\"data_file_name\":\"a.txt\",\"data_file_size\":\"22\"}}");
    expect_form("task%5Bcustom_fields%5D%5Bcustom_12%5D%5Bid%5D=2",
                "{\"task\":{\"custom_fields\":{\"custom_12\":{\"id\":\"2\"}}}}");
}

TEST(empty_brackets_become_elements)
{
    expect_form("ids[]=1&ids[]=2", "{\"ids\":[\"1\",\"2\"]}");
    expect_form(
        "task[assignments][][assignee_id]=ana&task[assignments][][team_id]=5&task[assignments][][assignee_id]=rui",
        "{\"task\":{\"assignments\":[{\"assignee_id\":\"ana\",\"team_id\":\"5\"},{\"assignee_id\":\"rui\"}]}}");
    expect_form("a[][b][c]=1&a[][b][d]=2", "{\"a\":[{\"b\":{\"c\":\"1\",\"d\":\"2\"}}]}");
    expect_form("a[][]=1&a[][]=2", "{\"a\":[[\"1\"],[\"2\"]]}");
}

TEST(the_last_value_of_a_name_counts)
{
    expect_form("a=1&a=2", "{\"a\":\"2\"}");
    expect_form("d[n]=1&d[n]=2", "{\"d\":{\"n\":\"2\"}}");
}

TEST(values_keep_their_bytes)
{
    expect_form("document[data_file_name]=Relat%C3%B3rio+%26+%23+%2B.pdf",
                "{\"document\":{\"data_file_name\":\"Relat\xc3\xb3rio & # +.pdf\"}}");
}

TEST(form_parse_refuses_contradictory_and_malformed_forms)
{
    expect_form("a=1&a[b]=2", "INVALID");
    expect_form("a[b]=1&a=2", "INVALID");
    expect_form("a[]=1&a[b]=2", "INVALID");
    expect_form("a[b]=1&a[]=2", "INVALID");
    expect_form("a[b=1", "INVALID");
    expect_form("a[b]c=1", "INVALID");
    expect_form("a[b]]=1", "INVALID");
    expect_form("[a]=1", "INVALID");
    expect_form("=1", "INVALID");
    expect_form("a=%zz", "INVALID");
    expect_form("a=%00", "INVALID");
    expect_form("a=%ff", "INVALID");
    expect_form("%ff=1", "INVALID");
}

TEST(form_parse_limits_pairs_and_depth)
{
    SCRATCH(a);
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i <= FORM_PAIRS_MAX; i++)
        buf_printf(&b, "a[]=%d&", i);
    EXPECT_SLICE(read_form(&a, buf_slice(&b)), S("TOO_LARGE"));
    buf_clear(&b);
    buf_add_byte(&b, 'a');
    for (int i = 0; i < JSON_MAX_DEPTH - 2; i++)
        buf_add(&b, S("[a]"));
    const struct json *j;
    EXPECT_OK(form_parse(buf_slice(&b), &a, &j));
    buf_add(&b, S("[a]"));
    EXPECT_SLICE(read_form(&a, buf_slice(&b)), S("TOO_LARGE"));
    buf_release(&b);
}

RUN_TESTS(cmocka_unit_test(names_without_brackets_become_members), cmocka_unit_test(brackets_become_members_of_members),
          cmocka_unit_test(empty_brackets_become_elements), cmocka_unit_test(the_last_value_of_a_name_counts),
          cmocka_unit_test(values_keep_their_bytes),
          cmocka_unit_test(form_parse_refuses_contradictory_and_malformed_forms),
          cmocka_unit_test(form_parse_limits_pairs_and_depth))
