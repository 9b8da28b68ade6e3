# SPDX-License-Identifier: Apache-2.0
"""How SQLite runs the statements of courses, enrolments, spaces and folders, of which an account may have very many. A look-up that
reads the rows of others, or a page that sorts all that follows it, is slow in no test, since tests have few rows."""
import pytest
from postgres import of_function

STORES = ("branch_store.c", "course_store.c", "enrolment_store.c", "environment_store.c", "folder_store.c", "remnant_store.c",
          "space_store.c")
FOR_FEW_ROWS = {  # the sorter has at most 257 rows
    "meta_branch_shape": "the folders of one branch",
    "meta_branch_remove_folders": "the folders of one branch",
}


def plan_of(sqlite, text):
    values = {str(i): 1 for i in range(1, 40)}
    return [row[3] for row in sqlite.execute("EXPLAIN QUERY PLAN " + text, values)]


def in_stores(statements):
    """All but those of fsck, which reads everything."""
    found = [one for one in statements if one["where"].split(":")[0].endswith(STORES)]
    assert len(found) > 60
    return [one for one in found if "WITH sums AS" not in one["sqlite"]]


def test_each_page_of_a_list_sorted_all_that_the_person_has(sqlite, statements):
    wrong = [f"{one['where']} ({one['function']}): {found}" for one in in_stores(statements)
             if one["function"] not in FOR_FEW_ROWS
             and (found := [step for step in plan_of(sqlite, one["sqlite"]) if "TEMP B-TREE" in step])]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("function, condition", [
    ("meta_course_by_path", "account_id=? AND path_key=?"),  # it walked through the courses of that path of all accounts
    ("meta_environment_by_path", "account_id=? AND path_key=?"),
    ("meta_environment_role", "user_id=? AND environment_id=?"),  # through all enrolments of the person
    ("meta_environment_next_of_user", "user_id=? AND environment_id>?"),
    ("meta_enrolment_list", "user_id=? AND id>?"),
    ("meta_enrolment_adopt", "email_key=?"),  # through all courses of the account
    ("meta_branch_piece_size", "branch_id=? AND parent_id=?"),  # through all children of a folder, in all branches
    ("meta_branch_piece_has", "branch_id=? AND parent_id=?"),
    ("meta_branch_move_piece", "branch_id=? AND parent_id=?"),
    ("meta_folder_named", "parent_id=? AND name_key=?"),  # each segment of a path
    ("meta_folder_search", "space_id=? AND id>?"),  # a name alone, and a part of one
    ("meta_event_list_of", "account_id=? AND id<?"),
    ("meta_credential_keys", "account_id=? AND id>?"),
    ("meta_user_members", "account_id=? AND id>?"),
    ("meta_user_has_other_administrator", "users_administrators (account_id=?"),  # through all users of the account
    ("meta_sync_file_list_of_workspace", "workspace_id=?"),
    ("meta_record_set_list_of_workspace", "workspace_id=?"),
    ("meta_workspace_has_open_work", "workspace_id=?"),
    ("meta_user_count", "account_id=?"),  # with those that were removed
    ("meta_job_counts", "jobs_account_open (account_id=?"),  # through all jobs of the account
    ("meta_figures_list", "account_id=? AND day>? AND day<?"),
    ("meta_figures_forget", "account_figures_day (day<?"),
    ("meta_environment_count_courses", "environment_id=? AND removed_at_ms=?"),  # courses are counted in the index alone
])
def test_a_look_up_walked_through_the_rows_of_others(sqlite, statements, function, condition):
    plans = [plan_of(sqlite, one["sqlite"]) for one in of_function(statements, function)]
    assert any(condition in step for plan in plans for step in plan), plans


def test_a_page_of_keys_of_an_account_walked_through_all_users_of_the_server(sqlite, statements):
    plans = [plan_of(sqlite, one["sqlite"]) for one in of_function(statements, "meta_credential_keys")]
    assert plans and not [step for plan in plans for step in plan if step.startswith("SCAN")], plans


# ── lists of files, of which a store may have millions


def test_a_list_of_files_never_sorts_and_never_walks_through_those_of_others(sqlite, statements):
    plans = [plan_of(sqlite, one["sqlite"]) for one in of_function(statements, "meta_file_list")]
    assert len(plans) == 6
    assert not [plan for plan in plans if any("TEMP B-TREE" in step for step in plan)], plans
    scans = [step for plan in plans for step in plan if step.startswith("SCAN")]
    assert scans in ([], ["SCAN f"]), plans  # that of all accounts, which is in the order of the table
    for condition in ("folder_files_folder (folder_id=? AND file_id<?)", "refs_task (task_id=?)", "files_owner (owner_id=? AND id<?)",
                      "files_account (account_id=? AND id<?)"):
        assert any(condition in step for plan in plans for step in plan), (condition, plans)
