# SPDX-License-Identifier: Apache-2.0
"""Two machines run the statements of two writes on one PostgreSQL, in the order in which a check before a change goes wrong.
Exactly one of them wins, and the one that loses gets no row, never an error. Each of these orders broke something when
the write first read and then changed by the id alone; the last test shows that.

A statement that has to wait for the other machine is sent with `starts`; `finish` is called when the other has committed.
"""
import postgres
import pytest
from server import wait_for

BYTES_16 = bytes(16)
TABLES = ("accounts", "users", "objects", "files", "buckets", "entries", "uploads", "upload_parts", "tickets", "tasks", "refs",
          "holds", "garbage")


class Machine(postgres.Connection):
    """A machine that writes: a transaction that runs statements of src/meta, named by function and a piece of the text."""

    def __init__(self, address, statements, observer):
        super().__init__(address)
        self.statements, self.observer = statements, observer
        self.process = int(self.run("SELECT pg_backend_pid()")[0][0][0])
        self.script("BEGIN")

    def text(self, function, piece):
        found = [one["postgres"] for one in self.statements if one["function"] == function and piece in one["postgres"]]
        assert len(found) == 1, f"{function} has {len(found)} statements with {piece}"
        return found[0]

    def says(self, function, piece, *values):
        """(rows, number of changed rows)"""
        return self.run(self.text(function, piece), *values)

    def starts(self, function, piece, *values):
        """Send a statement, which must wait for the other machine."""
        self.start(self.text(function, piece), *values)
        self.wait_until_it_waits()

    def wait_until_it_waits(self):
        wait_for("a statement that waits for the other machine", lambda: self.observer.run(
            "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'", self.process)[0], 10)

    def commit(self):
        self.script("COMMIT")
        self.script("BEGIN")


@pytest.fixture
def machines(address, database, statements):
    """Two machines, and a database with an account, a user, a bucket, a task, and object 1, which file 1 names."""
    empty = f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE"
    database.script(empty)
    for text, *values in (
            ("INSERT INTO accounts (name, created_at_ms, max_bytes, max_files, used_bytes, used_files)"
             " VALUES ('a', 1, 100, 0, 0, 0)",),
            ("INSERT INTO users (account_id, login, name, email, kind, state, is_admin, created_at_ms)"
             " VALUES (1, 'ana', '', '', 0, 0, 0, 1)",),
            ("INSERT INTO buckets (account_id, owner_id, name, kind, created_at_ms) VALUES (1, 1, 'bucket', 0, 1)",),
            ("INSERT INTO tasks (account_id, author_id, text, subject, details, created_at_ms, modified_at_ms, closed_at_ms)"
             " VALUES (1, 1, '', '', '', 1, 1, 0)",),
            ("INSERT INTO objects (id, account_id, size_bytes, md5, created_at_ms, blob_key) SELECT id, 1, 5, $1, 1, 'aa/' || id"
             " FROM generate_series(1, 3) AS id", BYTES_16),
            ("INSERT INTO files (id, uuid, account_id, owner_id, way, name, content_type, state, object_id, size_bytes, md5,"
             " created_at_ms, stored_at_ms, purge_at_ms) VALUES (1, $1, 1, 1, 'native', 'f', '', 1, 1, 5, $1, 1, 1, 50)",
             BYTES_16),
            ("INSERT INTO uploads (name, bucket_id, key, account_id, owner_id, headers, tags, checksum_kind, checksum_form,"
             " created_at_ms, expires_at_ms) VALUES ('upload', 1, 'k', 1, 1, '', '', 0, 0, 1, 100)",)):
        database.run(text, *values)
    one, two = (Machine(address, statements, database) for _ in range(2))
    yield one, two
    one.close()
    two.close()
    database.script(empty)


def add_entry(machine, key, object_id):
    return machine.says("meta_entry_put", "INSERT", 1, object_id, 5, BYTES_16, 0, 0, 0, 1, b"", "", "", "", key, 1)[1]


def test_of_two_writes_only_one_takes_the_last_room_of_an_account(machines, database):
    one, two = machines
    assert one.says("write_account", "UPDATE", 20, 1, 40, 0, 0, 0, 1, 60)[1] == 1
    two.starts("write_account", "UPDATE", 20, 1, 40, 0, 0, 0, 1, 60)
    one.commit()
    assert two.finish()[1] == 0
    two.commit()
    assert database.run("SELECT used_bytes, used_files, record_bytes FROM accounts")[0] == [["20", "1", "40"]]


def test_of_two_writes_only_one_takes_the_last_room_of_a_user(machines, database):
    one, two = machines
    database.run("UPDATE users SET max_bytes = 30 WHERE id = 1")
    assert one.says("write_user", "UPDATE", 20, 1, 1)[1] == 1
    two.starts("write_user", "UPDATE", 20, 1, 1)
    one.commit()
    assert two.finish()[1] == 0
    two.commit()
    assert database.run("SELECT used_bytes, used_files FROM users WHERE id = 1")[0] == [["20", "1"]]


@pytest.mark.parametrize("function, values", [
    ("meta_account_add", ("b", 1, 0, 0, 0, 0, 0)), ("meta_user_add", (1, "bob", "", "", 0, 0, 0, 1, 0, 0)),
    ("meta_bucket_add", (1, 1, "photos", 0, "", 1))])
def test_a_name_is_taken_once(machines, function, values):
    one, two = machines
    assert one.says(function, "INSERT", *values)[1] == 1
    two.starts(function, "INSERT", *values)
    one.commit()
    assert two.finish()[1] == 0
    assert two.run("SELECT 1")[0]  # the transaction goes on


def test_a_file_is_held_or_purged(machines, database):
    one, two = machines
    assert one.says("meta_file_hold", "UPDATE", 2, 1, 1, 49)[1] == 1
    two.starts("meta_file_remove_due", "DELETE", 1, 50)
    one.says("meta_hold_add", "INSERT", 1, 1, 1)
    one.commit()
    assert two.finish()[1] == 0
    two.commit()
    assert database.run("SELECT state FROM files")[0] == [["2"]]


def test_a_file_that_is_purged_is_not_held(machines):
    one, two = machines
    assert one.says("meta_file_remove_due", "DELETE", 1, 50)[1] == 1
    two.starts("meta_file_hold", "UPDATE", 2, 1, 1, 49)
    one.commit()
    assert two.finish()[1] == 0


def hold_by_two(database):
    """Task 1 and comment 1 hold file 1."""
    database.script("UPDATE files SET state = 2, purge_at_ms = 0; INSERT INTO holds VALUES (1, 1, 1), (1, 2, 1)")


def test_of_two_holders_that_release_a_file_the_last_makes_it_expire(machines, database):
    hold_by_two(database)
    one, two = machines
    one.says("meta_file_lock", "UPDATE", 1)
    one.says("meta_hold_remove", "DELETE", 1, 1, 1)
    assert one.says("meta_file_expire", "UPDATE", 1, 900, 1, 2)[1] == 0
    two.starts("meta_file_lock", "UPDATE", 1)
    one.commit()
    two.finish()
    two.says("meta_hold_remove", "DELETE", 1, 2, 1)
    assert two.says("meta_file_expire", "UPDATE", 1, 900, 1, 2)[1] == 1
    two.commit()
    assert database.run("SELECT state, purge_at_ms FROM files")[0] == [["1", "900"]]


def test_without_the_lock_of_the_file_no_holder_is_the_last(machines, database):
    hold_by_two(database)
    one, two = machines
    for machine, kind in ((one, 1), (two, 2)):
        machine.says("meta_hold_remove", "DELETE", 1, kind, 1)
        assert machine.says("meta_file_expire", "UPDATE", 1, 900, 1, 2)[1] == 0
    one.commit()
    two.commit()
    assert database.run("SELECT state, purge_at_ms FROM files")[0] == [["2", "0"]]  # held by nothing, and never purged


def test_of_two_holders_that_end_the_last_makes_their_file_expire(machines, database):
    hold_by_two(database)
    one, two = machines
    one.says("meta_hold_lock_files", "UPDATE", 1, 1, 1)
    assert one.says("meta_hold_expire_files", "UPDATE", 1, 900, 1, 1, 1, 2)[1] == 0
    one.says("meta_hold_remove_files", "DELETE", 1, 1, 1)
    two.starts("meta_hold_lock_files", "UPDATE", 2, 1, 1)
    one.commit()
    two.finish()
    assert two.says("meta_hold_expire_files", "UPDATE", 1, 900, 2, 1, 1, 2)[1] == 1
    two.says("meta_hold_remove_files", "DELETE", 2, 1, 1)
    two.commit()
    assert database.run("SELECT state, purge_at_ms FROM files")[0] == [["1", "900"]]
    assert database.run("SELECT COUNT(*) FROM holds")[0] == [["0"]]


def test_a_file_does_not_expire_under_a_new_holder(machines, database):
    database.script("UPDATE files SET state = 2, purge_at_ms = 0; INSERT INTO holds VALUES (1, 1, 1)")
    one, two = machines
    one.says("meta_file_hold", "UPDATE", 2, 1, 1, 49)
    two.starts("meta_file_lock", "UPDATE", 1)
    one.says("meta_hold_add", "INSERT", 1, 2, 1)
    one.commit()
    two.finish()
    two.says("meta_hold_remove", "DELETE", 1, 1, 1)
    assert two.says("meta_file_expire", "UPDATE", 1, 900, 1, 2)[1] == 0
    two.commit()
    assert database.run("SELECT state, purge_at_ms FROM files")[0] == [["2", "0"]]


def test_two_holders_attach_at_once(machines, database):
    one, two = machines
    assert one.says("meta_file_hold", "UPDATE", 2, 1, 1, 49)[1] == 1
    two.starts("meta_file_hold", "UPDATE", 2, 1, 1, 49)
    one.says("meta_hold_add", "INSERT", 1, 1, 1)
    one.commit()
    assert two.finish()[1] == 1
    two.says("meta_hold_add", "INSERT", 1, 1, 1)  # the same one: nothing changes
    two.says("meta_hold_add", "INSERT", 1, 2, 1)
    two.commit()
    assert database.run("SELECT COUNT(*) FROM holds")[0] == [["2"]]
    assert database.run("SELECT state, purge_at_ms, kept FROM files")[0] == [["2", "0", "0"]]


def test_the_bytes_of_a_file_are_replaced_once(machines, database):
    one, two = machines
    for machine in (one, two):
        assert machine.says("meta_file_set_object", "SELECT", 1)[0] == [["1", "1"]]
    assert one.says("meta_file_set_object", "UPDATE", 1, 2, 5, BYTES_16, 1, 1, 0, 1)[1] == 1
    two.starts("meta_file_set_object", "UPDATE", 1, 3, 5, BYTES_16, 1, 1, 0, 1)
    one.commit()
    assert two.finish()[1] == 0  # else object 2 would never be released
    assert database.run("SELECT object_id FROM files")[0] == [["2"]]


def test_a_ticket_is_confirmed_once(machines, database):
    database.run("INSERT INTO tickets (file_id, bucket_id, key, declared_bytes, expires_at_ms, confirmed_at_ms,"
                 " holder_kind, holder_id) VALUES (1, 1, 'k', 5, 100, 0, 0, 0)")
    one, two = machines
    assert one.says("meta_ticket_confirm", "UPDATE", 10, 1)[1] == 1
    two.starts("meta_ticket_confirm", "UPDATE", 20, 1)
    one.commit()
    assert two.finish()[1] == 0


def test_an_object_that_gets_a_new_reference_is_not_removed(machines, database):
    one, two = machines
    assert one.says("meta_object_hold", "SELECT", 2)[0]
    two.starts("release_object", "SELECT blob_key", 2)
    assert add_entry(one, "k", 2) == 1
    one.commit()
    assert two.finish()[0]
    assert two.says("release_object", "DELETE", 2)[1] == 0
    two.commit()
    assert database.run("SELECT count(*) FROM objects")[0] == [["3"]]


def test_an_object_that_was_removed_gets_no_reference(machines):
    one, two = machines
    assert one.says("release_object", "SELECT blob_key", 2)[0]
    two.starts("meta_object_hold", "SELECT", 2)
    assert one.says("release_object", "DELETE", 2)[1] == 1
    one.commit()
    assert not two.finish()[0]


def test_two_new_versions_get_two_numbers(machines, database):
    one, two = machines
    add = (1, 1, None, 1, 1)
    database.run(one.text("meta_reference_add", "INSERT"), *add, 1, "", "", 1)

    def next_version(machine):
        return int(machine.says("next_version", "MAX(version)", 1)[0][0][0]) + 1
    one.says("meta_task_lock", "SELECT", 1)
    two.starts("meta_task_lock", "SELECT", 1)
    assert one.says("meta_reference_add", "INSERT", *add, next_version(one), "", "", 1)[1] == 1
    one.commit()
    two.finish()
    assert two.says("meta_reference_add", "INSERT", *add, next_version(two), "", "", 1)[1] == 1
    two.commit()
    assert database.run("SELECT version FROM refs ORDER BY version")[0] == [["1"], ["2"], ["3"]]


def test_a_comment_that_comes_while_its_task_is_removed_finds_no_task(machines):
    one, two = machines
    assert one.says("meta_task_lock", "SELECT", 1)[0]
    two.starts("meta_task_lock", "SELECT", 1)
    assert one.says("meta_removed_task_add", "INSERT", 1, 50, 1, 1, "")[1] == 1
    one.commit()
    assert two.finish()[0]  # the row of the task is still there
    assert two.says("meta_task_is_removed", "SELECT", 1)[0] == [["1"]]


def test_two_workers_remove_a_piece_of_a_task_one_after_the_other(machines, database):
    one, two = machines
    for _ in range(3):
        database.run(one.text("meta_reference_add", "INSERT"), 1, 1, None, 1, None, 1, "", "", 1)
    database.run(one.text("meta_removed_task_add", "INSERT"), 1, 50, 1, 1, "")
    assert one.says("meta_removed_task_first", "FOR UPDATE")[0]
    two.starts("meta_removed_task_first", "FOR UPDATE")
    assert one.says("meta_reference_remove_first", "DELETE", 1, 2)[1] == 2
    one.commit()
    assert two.finish()[0]
    assert two.says("meta_reference_remove_first", "DELETE", 1, 2)[1] == 1
    two.commit()


def test_a_part_that_comes_while_its_upload_is_completed_finds_no_upload(machines):
    one, two = machines
    assert one.says("meta_upload_by_name", "FOR UPDATE", "upload")[0]
    assert not one.says("meta_part_list", "SELECT", 1, 0, 10)[0]
    two.starts("meta_upload_by_name", "FOR UPDATE", "upload")
    one.says("meta_upload_remove", "upload_parts", 1)
    assert one.says("meta_upload_remove", "DELETE FROM uploads", 1)[1] == 1
    one.commit()
    assert not two.finish()[0]


def test_two_puts_of_a_new_key_replace_one_another(machines):
    one, two = machines
    assert add_entry(one, "k", 2) == 1
    two.starts("meta_entry_put", "INSERT", 1, 3, 5, BYTES_16, 0, 0, 0, 1, b"", "", "", "", "k", 1)
    one.commit()
    assert two.finish()[1] == 0
    assert two.says("replace_entry", "SELECT", 1, "k")[0] == [["2", "5", "257", "1"]]  # it gives back what the first counted for


def test_an_entry_is_removed_only_with_the_object_that_was_read(machines, database):
    one, two = machines
    assert add_entry(one, "k", 2) == 1
    one.commit()
    assert two.run("SELECT object_id FROM entries")[0] == [["2"]]
    one.says("replace_entry", "UPDATE entries", 1, 3, 5, BYTES_16, 0, 0, 0, 2, b"", "", "", "", "k", 1)
    two.starts("meta_entry_remove", "DELETE", 1, "k", 2)
    one.commit()
    assert two.finish()[1] == 0
    two.commit()
    assert database.run("SELECT object_id FROM entries")[0] == [["3"]]


def test_a_bucket_that_gets_an_entry_is_not_removed(machines):
    one, two = machines
    assert add_entry(one, "k", 2) == 1
    two.starts("meta_bucket_remove", "FOR UPDATE", 1)
    one.commit()
    two.finish()
    assert two.says("meta_bucket_remove", "DELETE", 1)[1] == 0


def test_without_an_expectation_both_machines_win(machines, database):
    """What the rest of this file would find if a statement lost its expectation."""
    one, two = machines
    for machine in (one, two):
        assert machine.run("SELECT state FROM files WHERE id = 1")[0] == [["1"]]  # both see that they may go on
    assert one.run("UPDATE files SET state = 2, purge_at_ms = 0 WHERE id = 1")[1] == 1
    two.start("DELETE FROM files WHERE id = 1")
    two.wait_until_it_waits()
    one.commit()
    assert two.finish()[1] == 1
    two.commit()
    assert database.run("SELECT count(*) FROM files")[0] == [["0"]]


# ── courses and folders


@pytest.fixture
def school(machines, database):
    """An environment, a course with a limit of 10 bytes, and a space with its root: branch 1, folder 1, and folder 2 in it."""
    tables = "environments, environment_admins, courses, enrolments, spaces, branches, folders, folder_files"
    empty = f"TRUNCATE {tables} RESTART IDENTITY CASCADE"
    database.script(empty)
    for text in (
            "INSERT INTO environments (account_id, creator_id, name, name_key, path, path_key, initials, description, created_at_ms,"
            " modified_at_ms) VALUES (1, 1, 'e', 'e', 'e', 'e', '', '', 1, 1)",
            "INSERT INTO courses (environment_id, creator_id, name, name_key, path, path_key, description, workload, max_bytes,"
            " created_at_ms, modified_at_ms) VALUES (1, 1, 'c', 'c', 'c', 'c', '', 0, 10, 1, 1)",
            "INSERT INTO spaces (course_id, creator_id, name, description, root_id, branch_count, created_at_ms, modified_at_ms)"
            " VALUES (1, 1, 's', '', 1, 1, 1, 1)",
            "INSERT INTO branches (space_id, parent_id, parent_folder_id, folder_count) VALUES (1, 0, 0, 2)",
            "INSERT INTO folders (space_id, branch_id, parent_id, creator_id, name, name_key, created_at_ms, modified_at_ms)"
            " VALUES (1, 1, 0, 1, 'root', 'root', 1, 0), (1, 1, 1, 1, 'a', 'a', 1, 1)"):
        database.run(text)
    yield machines
    for machine in machines:
        machine.script("ROLLBACK")
    database.script(empty)


def test_two_folders_of_one_name_are_made_at_once(school):
    one, two = school
    values = (1, 1, 1, 1, "new", "new", 1, 1)
    assert one.says("meta_branch_count", "UPDATE", 1, 0, 1)[0] == [["3"]]
    assert one.says("meta_folder_add", "INSERT", *values)[1] == 1
    two.starts("meta_branch_count", "UPDATE", 1, 0, 1)
    one.commit()
    assert two.finish()[0] == [["4"]]
    assert two.says("meta_folder_has_folder", "SELECT", 1, "new", 0)[0] == [["1"]]
    assert two.says("meta_folder_add", "INSERT", *values)[1] == 0


def test_two_folders_are_renamed_to_one_name_at_once(school, database):
    database.run("INSERT INTO folders (space_id, branch_id, parent_id, creator_id, name, name_key, created_at_ms, modified_at_ms)"
                 " VALUES (1, 1, 1, 1, 'b', 'b', 1, 1)")
    one, two = school
    one.says("meta_branch_lock", "SELECT", 1)
    two.starts("meta_branch_lock", "SELECT", 1)
    assert one.says("meta_folder_has_folder", "SELECT", 1, "x", 2)[0] == [["0"]]
    assert one.says("meta_folder_update", "UPDATE", 1, "x", "x", 2, 2)[1] == 1
    one.commit()
    two.finish()
    assert two.says("meta_folder_has_folder", "SELECT", 1, "x", 3)[0] == [["1"]]


def test_a_file_comes_into_a_folder_that_is_cut_off(school, database):
    """The cut waits for the upload and counts its bytes; an upload that comes after the cut finds no branch."""
    one, two = school
    assert one.says("meta_branch_count", "UPDATE", 0, 7, 1)[1] == 1
    two.says("meta_space_lock", "SELECT", 1)
    two.starts("meta_branch_cut", "UPDATE", 1, 5)
    one.commit()
    assert two.finish()[1] == 1
    assert two.says("meta_branch_cut", "SUM", 1)[0] == [["7", "1"]]
    one.starts("meta_branch_count", "UPDATE", 0, 3, 1)
    two.commit()
    assert one.finish()[1] == 0
    assert database.run("SELECT used_bytes FROM branches")[0] == [["7"]]


def test_two_uploads_want_the_last_room_of_a_course(school, database):
    one, two = school
    assert one.says("meta_course_use", "UPDATE", 6, 1)[1] == 1
    two.starts("meta_course_use", "UPDATE", 6, 1)
    one.commit()
    assert two.finish()[1] == 0
    two.commit()
    assert database.run("SELECT used_bytes FROM courses")[0] == [["6"]]


def test_a_person_is_enrolled_once(school, database):
    one, two = school
    values = (1, 1, "ana@example.org", "ana@example.org", 4, 1, "", 1, 1)
    assert one.says("meta_enrolment_add", "INSERT", *values)[1] == 1
    two.starts("meta_enrolment_add", "INSERT", *values)
    one.commit()
    assert two.finish()[1] == 0
    two.commit()
    assert database.run("SELECT COUNT(*) FROM enrolments")[0] == [["1"]]


def test_two_environments_are_renamed_to_one_name_at_once(school):
    one, two = school
    one.says("meta_environment_lock_names", "SELECT", 1)
    two.starts("meta_environment_lock_names", "SELECT", 1)
    one.says("meta_environment_update", "UPDATE", "n", "n", "p", "p", "", "", 2, 1)
    one.commit()
    two.finish()
    assert two.says("meta_environment_taken", "name_key = ", 1, "n", 0)[0] == [["1"]]


# ── datasets


@pytest.fixture
def datasets(machines, database):
    """A dataset with a permission to send files, and a file that a job may read: dataset, prefix and file 1."""
    empty = "TRUNCATE datasets, dataset_files, upload_prefixes RESTART IDENTITY CASCADE"
    database.script(empty)
    for text, *values in (
            ("INSERT INTO datasets (account_id, slug, name, version, columns, is_strict, takes_duplicates, processing, volume_bytes,"
             " schedule, due_at_ms, created_at_ms, modified_at_ms) VALUES (1, 'd', 'D', '1.0.0', '', 0, 0, 0, 1, '', 0, 1, 1)",),
            ("INSERT INTO upload_prefixes (account_id, owner_id, credential_id, dataset_id, secret_hash, created_at_ms, expires_at_ms)"
             " VALUES (1, 1, 0, 1, $1, 1, 9)", bytes(32)),
            ("INSERT INTO dataset_files (id, dataset_id, account_id, prefix_id, name, headers, version, size_bytes, md5, state,"
             " created_at_ms) VALUES (1, 1, 1, 1, 'a.jsonl', '', '1.0.0', 5, $1, 1, 1)", BYTES_16)):
        database.run(text, *values)
    yield machines
    for machine in machines:
        machine.script("ROLLBACK; BEGIN")
    database.script(empty)


QUEUED, RUNNING = 1, 2


def test_a_file_is_removed_before_a_job_reads_it(datasets):
    one, two = datasets
    one.says("meta_dataset_hold", "SELECT", 1)
    one.says("meta_dataset_file_hold", "SELECT", 1)
    two.starts("meta_dataset_file_move", "UPDATE", RUNNING, 1, QUEUED, QUEUED)
    assert one.says("meta_dataset_file_remove", "DELETE", 1)[1] == 1
    one.commit()
    assert two.finish()[1] == 0


def test_a_job_reads_a_file_before_it_is_removed(datasets):
    one, two = datasets
    assert one.says("meta_dataset_file_move", "UPDATE", RUNNING, 1, QUEUED, QUEUED)[1] == 1
    two.says("meta_dataset_hold", "SELECT", 1)
    two.starts("meta_dataset_file_hold", "SELECT", 1)
    one.commit()
    two.finish()
    assert two.run("SELECT state FROM dataset_files WHERE id = 1")[0] == [[str(RUNNING)]]  # so it is refused


def test_a_name_comes_once_under_a_permission(datasets):
    one, two = datasets
    for machine in datasets:
        assert machine.says("meta_dataset_file_has_name", "SELECT", 1, "b.jsonl")[0] == [["0"]]
    one.says("meta_dataset_hold", "SELECT", 1)
    two.starts("meta_dataset_hold", "SELECT", 1)
    one.says("meta_dataset_file_add", "INSERT", 2, 1, 1, 1, "b.jsonl", "", "1.0.0", 5, BYTES_16, 0, 1)
    one.commit()
    two.finish()
    assert two.says("meta_dataset_file_has_name", "SELECT", 1, "b.jsonl")[0] == [["1"]]


def test_no_permission_is_given_for_a_dataset_that_is_being_removed(datasets):
    one, two = datasets
    assert one.says("meta_dataset_end", "UPDATE", 5, 1)[1] == 1
    two.starts("meta_dataset_hold", "SELECT", 1)
    one.commit()
    assert two.finish()[0] == []


def test_a_file_that_comes_while_its_dataset_is_removed_is_found_by_the_removal(datasets):
    one, two = datasets
    assert one.says("meta_dataset_hold", "SELECT", 1)[0] == [["1"]]
    one.says("meta_dataset_file_add", "INSERT", 2, 1, 1, 1, "b.jsonl", "", "1.0.0", 5, BYTES_16, 0, 1)
    two.starts("meta_dataset_end", "UPDATE", 5, 1)
    one.commit()
    assert two.finish()[1] == 1
    assert len(two.says("meta_dataset_file_each", "SELECT", 1, 0, 100)[0]) == 2


def test_what_a_table_takes_is_measured_by_one_machine_after_the_other(datasets, database):
    one, two = datasets
    one.says("meta_dataset_hold", "SELECT", 1)
    two.starts("meta_dataset_hold", "SELECT", 1)
    one.says("meta_dataset_set_table_bytes", "UPDATE", 100, 1)
    one.commit()
    two.finish()
    assert two.run("SELECT table_bytes FROM datasets")[0] == [["100"]]
