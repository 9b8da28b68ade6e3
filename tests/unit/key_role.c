/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "api/kit/key_role.h"

static const struct api_key_role roles[] = {
    { "viewer", KEY_READER }, { "uploader", KEY_WRITER }, { "sender", KEY_WRITER }, { "owner", KEY_ADMIN }, { 0 }
};
static const struct api_module with_roles = { .name = "drop", .key_roles = roles }, without = { .name = "plain" };

static void expect_parsed(const struct api_module *api, const char *text, enum key_role want)
{
    enum key_role role = KEY_NO_ROLE;
    EXPECT(key_role_parse(api, text, &role));
    EXPECT_EQ(role, want);
}

TEST(a_role_is_named_as_the_api_names_it)
{
    expect_parsed(&with_roles, "viewer", KEY_READER);
    expect_parsed(&with_roles, "uploader", KEY_WRITER);
    expect_parsed(&with_roles, "sender", KEY_WRITER);
    expect_parsed(&with_roles, "owner", KEY_ADMIN);
    EXPECT_SLICE(slice_of(key_role_text(&with_roles, KEY_WRITER)), S("uploader"));
    EXPECT_SLICE(slice_of(key_role_text(&with_roles, KEY_ADMIN)), S("owner"));
}

TEST(a_key_without_a_named_role_may_do_everything)
{
    expect_parsed(&with_roles, NULL, KEY_ADMIN);
    expect_parsed(&without, NULL, KEY_ADMIN);
}

TEST(a_role_that_the_api_does_not_have_is_refused_and_those_it_has_are_listed)
{
    static const char *const wrong[] = { "", "view", "viewers", "Viewer", "reader", "admin" };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        enum key_role role = KEY_NO_ROLE;
        EXPECT(!key_role_parse(&with_roles, wrong[i], &role));
        EXPECT(!key_role_parse(&without, wrong[i], &role));
        EXPECT_EQ(role, KEY_NO_ROLE);
    }
    EXPECT_SLICE(slice_of(key_role_list(&with_roles, &a)), S("viewer, uploader, sender, owner"));
    EXPECT_SLICE(slice_of(key_role_list(&without, &a)), S(""));
    arena_release(&a);
}

TEST(a_role_without_a_name_of_the_api_is_still_shown)
{
    EXPECT_SLICE(slice_of(key_role_text(&with_roles, KEY_NO_ROLE)), S("unknown"));
    EXPECT_SLICE(slice_of(key_role_text(&without, KEY_READER)), S("reader"));
    EXPECT_SLICE(slice_of(key_role_text(NULL, KEY_ADMIN)), S("admin")); /* of an API that is not built in */
}

RUN_TESTS(cmocka_unit_test(a_role_is_named_as_the_api_names_it),
          cmocka_unit_test(a_key_without_a_named_role_may_do_everything),
          cmocka_unit_test(a_role_that_the_api_does_not_have_is_refused_and_those_it_has_are_listed),
          cmocka_unit_test(a_role_without_a_name_of_the_api_is_still_shown))
