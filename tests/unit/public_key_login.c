/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of which the server knows the public half alone. */
#include "sync_fixture.h"
#include "test.h"

#include "core/event.h"
#include "core/grant.h"

#define FINGERPRINT S("SHA256:4mQHWZO80EQtJLuu7paLo7GLG9c/jZpNMQ/+59bi5Eo")
#define ANOTHER S("SHA256:g4ozUMJMo8CCaHT51pD3MN2sShUapfKdniND3G85QHs")
#define PURPOSE S("drop")

static struct key_request request_of(slice login)
{
    return (struct key_request){
        .login = login, .purpose = PURPOSE, .role = KEY_WRITER, .workspace = S("W"), .section = S("B")
    };
}

static err_t try_add(struct world *w, const struct key_request *request, slice fingerprint, int64_t *ret_id)
{
    return key_add_public(&w->core, &w->operator_, request, fingerprint, w->a, ret_id);
}

static int64_t add(struct world *w, slice login, slice fingerprint)
{
    struct key_request request = request_of(login);
    int64_t id = 0;
    EXPECT_OK(try_add(w, &request, fingerprint, &id));
    return id;
}

static err_t try_login(struct world *w, slice login, slice fingerprint, struct principal *ret)
{
    return access_public_key(&w->core, &(struct public_key_login){ PURPOSE, login, fingerprint }, w->a, ret);
}

TEST(a_public_key_stands_for_its_user_in_its_section_for_its_purpose)
{
    WORLD(w);
    struct sync_fixture f = sync_fixture_new(w);
    struct principal who = { 0 };
    int64_t id = add(w, S("ana"), FINGERPRINT);
    EXPECT_OK(try_login(w, S("ana"), FINGERPRINT, &who));
    EXPECT(who.credential_id == id && who.user_id == f.ana.user_id && who.section_id == f.ana.section_id);
    EXPECT(who.role == KEY_WRITER && who.workspace_id == f.ana.workspace_id && who.expires_at_ms == 0);
    EXPECT_SLICE(who.login, S("ana"));
    EXPECT_ERR(try_login(w, S("ana"), ANOTHER, &who), ERR_UNAUTHENTICATED);
    EXPECT_ERR(try_login(w, S("nobody"), FINGERPRINT, &who), ERR_UNAUTHENTICATED);
    struct public_key_login none = { S("test"), S("ana"), S("") }; /* as her other key has it */
    EXPECT_ERR(access_public_key(&w->core, &none, w->a, &who), ERR_UNAUTHENTICATED);
    world_user(w, S("carla"));
    EXPECT_ERR(try_login(w, S("carla"), FINGERPRINT, &who), ERR_UNAUTHENTICATED);
    struct public_key_login other = { S("test"), S("ana"), FINGERPRINT };
    EXPECT_ERR(access_public_key(&w->core, &other, w->a, &who), ERR_UNAUTHENTICATED);
}

TEST(the_fingerprint_is_no_secret_that_opens_anything)
{
    WORLD(w);
    struct principal who;
    sync_fixture_new(w);
    add(w, S("ana"), FINGERPRINT);
    EXPECT_ERR(access_check(&w->core, PURPOSE, CREDENTIAL_KEY, FINGERPRINT, w->a, &who), ERR_UNAUTHENTICATED);
    EXPECT_ERR(access_check(&w->core, PURPOSE, CREDENTIAL_KEY, S(""), w->a, &who), ERR_UNAUTHENTICATED);
}

TEST(a_user_has_a_public_key_once_and_again_after_it_was_revoked)
{
    WORLD(w);
    struct principal who = { 0 };
    int64_t id, unused;
    sync_fixture_new(w);
    struct key_request request = request_of(S("ana"));
    id = add(w, S("ana"), FINGERPRINT);
    err_t e = try_add(w, &request, FINGERPRINT, &unused);
    EXPECT_ERR(e, ERR_CONFLICT);
    EXPECT(slice_find(slice_of(e->msg), S("revoke")) != SLICE_NONE);
    request.section = S("other");
    EXPECT_ERR(try_add(w, &request, FINGERPRINT, &unused), ERR_CONFLICT); /* which of the two would it mean? */
    world_user(w, S("carla"));
    add(w, S("carla"), FINGERPRINT); /* another user may have it, too */
    EXPECT_OK(key_revoke(&w->core, &w->operator_, id, w->a));
    EXPECT_ERR(try_login(w, S("ana"), FINGERPRINT, &who), ERR_REVOKED);
    int64_t again = add(w, S("ana"), FINGERPRINT);
    EXPECT(again != id);
    EXPECT_OK(try_login(w, S("ana"), FINGERPRINT, &who));
    EXPECT_EQ(who.credential_id, again);
}

TEST(a_public_key_ends_when_it_expires_or_its_user_is_disabled)
{
    WORLD(w);
    struct principal who = { 0 };
    int64_t unused;
    sync_fixture_new(w);
    struct key_request request = request_of(S("ana"));
    request.expires_at_ms = core_now_ms(&w->core) + minutes(1);
    EXPECT_OK(try_add(w, &request, FINGERPRINT, &unused));
    EXPECT_OK(try_login(w, S("ana"), FINGERPRINT, &who));
    EXPECT_EQ(who.expires_at_ms, request.expires_at_ms);
    world_wait(w, minutes(1) - 1);
    EXPECT_OK(try_login(w, S("ana"), FINGERPRINT, &who));
    world_wait(w, 1);
    EXPECT_ERR(try_login(w, S("ana"), FINGERPRINT, &who), ERR_EXPIRED);
    add(w, S("ana"), ANOTHER);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_DISABLED, w->a));
    EXPECT_ERR(try_login(w, S("ana"), ANOTHER, &who), ERR_BLOCKED);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_ACTIVE, w->a));
    EXPECT_OK(try_login(w, S("ana"), ANOTHER, &who));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_DELETED, w->a));
    EXPECT_ERR(try_login(w, S("ana"), ANOTHER, &who), ERR_UNAUTHENTICATED);
}

TEST(a_login_is_in_the_audit_log_unless_the_key_ended_meanwhile)
{
    WORLD(w);
    struct principal who = { 0 };
    sync_fixture_new(w);
    int64_t id = add(w, S("ana"), FINGERPRINT);
    EXPECT_OK(try_login(w, S("ana"), FINGERPRINT, &who));
    EXPECT_OK(access_public_key_begin(&w->core, &who, PURPOSE, S("192.0.2.7"), w->a));
    EXPECT_EQ(world_event_count(w, S("key.login")), 1);
    struct event_list events;
    EXPECT_OK(event_list(&w->core, 0, 1, w->a, &events));
    EXPECT_SLICE(events.items[0].action, S("key.login"));
    EXPECT_SLICE(events.items[0].detail, S("drop from 192.0.2.7"));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, id, w->a));
    EXPECT_ERR(access_public_key_begin(&w->core, &who, PURPOSE, S("192.0.2.7"), w->a), ERR_REVOKED);
    EXPECT_EQ(world_event_count(w, S("key.login")), 1);
    struct grant grant = grant_of(&who);
    EXPECT_ERR(grant_recheck(&w->core, &grant), ERR_REVOKED);
}

TEST(keys_are_listed_with_their_fingerprints)
{
    WORLD(w);
    struct key_info_list list;
    sync_fixture_new(w);
    add(w, S("ana"), FINGERPRINT);
    EXPECT_OK(key_list(&w->core, S("ana"), ALL_IDS, w->a, &list));
    EXPECT_EQ(list.count, 2);
    EXPECT_SLICE(list.items[0].key.public_key, S(""));
    EXPECT_SLICE(list.items[1].key.public_key, FINGERPRINT);
    EXPECT_SLICE(list.items[1].section, S("B"));
}

RUN_TESTS(cmocka_unit_test(a_public_key_stands_for_its_user_in_its_section_for_its_purpose),
          cmocka_unit_test(the_fingerprint_is_no_secret_that_opens_anything),
          cmocka_unit_test(a_user_has_a_public_key_once_and_again_after_it_was_revoked),
          cmocka_unit_test(a_public_key_ends_when_it_expires_or_its_user_is_disabled),
          cmocka_unit_test(a_login_is_in_the_audit_log_unless_the_key_ended_meanwhile),
          cmocka_unit_test(keys_are_listed_with_their_fingerprints))
