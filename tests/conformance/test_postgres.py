# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL accepts all SQL of src/meta: each migration runs, and each statement can be prepared, on a private server."""
import json
import os
import re
import subprocess

import postgres
import pytest
from postgres import of_function


def error_of(database, text):
    """Why src/sql cannot run this statement on PostgreSQL, or None. A driver declares BIGINT, TEXT and BYTEA for values,
    and reads integers, texts and bytes."""
    if re.search(r"\+ 0\b", text):
        return "column + 0 keeps SQLite from using an index: WITHOUT_INDEX"
    try:
        found, _ = database.prepare(text)
        declared = [postgres.BIGINT if postgres.TYPES.get(oid) in ("INTEGER", "SMALLINT") else oid for oid in found]
        parameters, columns = database.prepare(text, declared)
        if re.match(r"INSERT INTO (?!next_ids|schema_version)\w+ \((?!id,)", text) and " ON CONFLICT" not in text:
            table = text.split()[2]
            if database.run("SELECT 1 FROM information_schema.columns WHERE table_name = $1 AND is_identity = 'YES'"
                            " AND column_name = 'id'", table)[0]:
                database.prepare(text + " RETURNING id", declared)  # as the driver's insert does
    except postgres.Failure as e:
        return str(e)
    for what, oids, allowed in (("parameter", parameters, ("BIGINT", "TEXT", "BYTEA")),
                                ("column", columns, ("BIGINT", "INTEGER", "TEXT", "BYTEA"))):
        for i, oid in enumerate(oids, 1):
            if postgres.TYPES.get(oid) not in allowed:
                return f"{what} {i} has the type {postgres.TYPES.get(oid, oid)}"
    return None


def test_every_statement_is_understood_by_postgresql(database, statements):
    assert len(statements) > 100
    errors = [f"{one['where']} ({one['function']}): {why}" for one in statements
                  if (why := error_of(database, one["postgres"]))]
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("text", [
    "SELECT COUNT(*) FROM tasks t WHERE json_valid(t.details)", "INSERT OR REPLACE INTO next_ids (kind) VALUES ($1)",
    "SELECT rowid FROM jobs", "SELECT id FROM jobs WHERE id + 0 = $1", "SELECT id = 1 FROM jobs", "SELECT SUM(id) FROM jobs",
    "SELECT LENGTH(CAST(text AS BLOB)) FROM comments", "DELETE FROM jobs LIMIT 1", "UPDATE jobs SET id = $1 + 0.5"])
def test_what_only_sqlite_understands_is_found(database, sqlite, text):
    if "LIMIT 1" not in text:  # not every SQLite is built with it
        sqlite.execute("EXPLAIN " + text, {"1": 1})
    assert error_of(database, text)


def test_every_statement_is_understood_by_sqlite(sqlite, statements):
    values = {str(i): None for i in range(1, 40)}
    for one in statements:
        sqlite.execute("EXPLAIN " + one["sqlite"], values)


def scanned(sqlite, text):
    """The tables that SQLite reads as a whole, not those that a part of the statement makes."""
    plan = [row[3] for row in sqlite.execute("EXPLAIN QUERY PLAN " + text, {str(i): None for i in range(1, 40)})]
    made = {row.split()[1] for row in plan if row.startswith(("CO-ROUTINE", "MATERIALIZE"))}
    return [row for row in plan if re.fullmatch(r"SCAN \w+", row) and row.split()[1] not in made]


@pytest.mark.parametrize("store", ["environment", "course", "enrolment", "space", "folder"])
def test_no_statement_about_courses_reads_a_whole_table(sqlite, statements, store):
    of_store = [one for one in statements if f"/{store}_store.c" in one["where"]]
    assert len(of_store) >= 10
    assert not [(one["function"], found) for one in of_store if (found := scanned(sqlite, one["sqlite"]))]
    assert scanned(sqlite, "SELECT id FROM environments e WHERE name = 'x'")


def test_both_databases_have_the_same_columns(database, sqlite):
    rows, _ = database.run("SELECT table_name, column_name, is_nullable FROM information_schema.columns"
                           " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position")
    found = sqlite.execute("SELECT m.name, c.name, CASE WHEN c.\"notnull\" OR c.pk THEN 'NO' ELSE 'YES' END"
                           " FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'"
                           " AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid").fetchall()
    assert len(found) > 100
    assert sorted(map(tuple, rows)) == sorted(found)


def test_texts_sort_by_their_bytes_in_a_database_that_sorts_as_english_does(database):
    rows, _ = database.run("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
                           " AND data_type = 'text' AND COALESCE(collation_name, '') <> 'C'"
                           " AND table_name <> 'schema_version'")
    assert not rows
    ordered, _ = database.run("SELECT x FROM (VALUES ('a'), ('B'), ('_'), ('é')) AS v (x) ORDER BY x")
    assert ordered != [["B"], ["_"], ["a"], ["é"]]


def test_integers_that_hold_ids_and_times_have_64_bits(database):
    rows, _ = database.run("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
                           " AND data_type = 'integer' AND (column_name = 'id' OR column_name LIKE '%\\_id'"
                           " OR column_name LIKE '%\\_ms' OR column_name LIKE '%\\_bytes')")
    assert not rows


def test_no_event_but_the_oldest_can_be_removed(database, statements):
    database.script("BEGIN")
    for _ in range(5):
        database.run("INSERT INTO events (at_ms, account_id, actor_id, action, subject, detail, request_id)"
                     " VALUES (1, 1, 1, 'a', '', '', '')")
    ids = [int(row[0]) for row in database.run("SELECT id FROM events ORDER BY id")[0]]
    begin_at = "UPDATE events_kept SET from_id = %d; "
    for text in ("UPDATE events SET detail = 'x'", "DELETE FROM events", f"DELETE FROM events WHERE id = {ids[0]}",
                 begin_at % ids[2] + f"DELETE FROM events WHERE id = {ids[2]}", begin_at % (ids[-1] + 1),
                 begin_at % ids[2] + begin_at % ids[1], "DELETE FROM events_kept"):
        database.script("SAVEPOINT one")
        with pytest.raises(postgres.Failure, match="events are never|of the events"):
            database.script(text)
        database.script("ROLLBACK TO one")
    oldest, = [one for one in of_function(statements, "meta_event_remove_oldest") if one["postgres"].startswith("SELECT")]
    raise_it, = [one for one in of_function(statements, "meta_event_remove_oldest") if one["postgres"].startswith("UPDATE")]
    remove, = [one for one in of_function(statements, "meta_event_remove_oldest") if one["postgres"].startswith("DELETE")]
    assert database.run(oldest["postgres"], ids[3], 3)[0] == [[str(ids[2])]]
    for one in (raise_it, remove):
        database.run(one["postgres"], ids[2])
    assert [int(row[0]) for row in database.run("SELECT id FROM events ORDER BY id")[0]] == ids[3:]
    database.script("ROLLBACK")


# ── pairs: the same rows in both databases

ROWS = """
INSERT INTO accounts (id, name, created_at_ms, max_bytes, max_files, used_bytes, used_files) VALUES (1, 'a', 1, 0, 0, 0, 0);
INSERT INTO users (id, account_id, login, name, email, kind, state, is_admin, created_at_ms) VALUES
    (1, 1, 'ana', 'Ana', '', 0, 0, 0, 1);
INSERT INTO tasks (id, account_id, author_id, text, subject, details, created_at_ms, modified_at_ms, closed_at_ms) VALUES
    (1, 1, 1, '', '', '', 1, 1, 0),
    (2, 1, 1, '', '', '{"project_id": 7, "a.b": "x", "none": null, "list": ["7"]}', 1, 1, 0),
    (3, 1, 1, '', '', '{"project_id": "7", "a": {"b": "x"}}', 1, 1, 5),
    (4, 1, 1, '', '', 'no object', 1, 1, 0),
    (5, 1, 1, '', '', '{"project_id": 1.5, "none": "", "flag": true, "é\\u00e9": "ü"}', 1, 1, 0);
INSERT INTO task_members (task_id, user_id, roles) VALUES (2, 1, 4);
INSERT INTO comments (id, task_id, author_id, text, details, created_at_ms, edited_at_ms) VALUES
    (1, 1, 1, 'naïve', '{"ü": 1}', 1, 0), (2, 1, 1, '', '', 1, 0);
INSERT INTO files (id, uuid, account_id, owner_id, way, name, content_type, state, size_bytes, md5, created_at_ms,
    stored_at_ms, purge_at_ms)
    SELECT x.id, %s, 1, 1, 'native', x.name, '', 0, 0, %s, 1, 0, 0
    FROM (SELECT 1 AS id, 'Report_1.PDF' AS name UNION ALL SELECT 2, 'ÉTÉ.pdf' UNION ALL SELECT 3, 'été%%') x;
INSERT INTO refs (account_id, task_id, file_id, version, url, name, created_at_ms) SELECT 1, 1, id, 1, '', '', 1 FROM files;
INSERT INTO environments (id, account_id, creator_id, name, name_key, path, path_key, initials, description, created_at_ms, modified_at_ms)
    VALUES (1, 1, 1, '', '', '', '', '', '', 1, 1);
INSERT INTO courses (id, environment_id, creator_id, name, name_key, path, path_key, description, workload, created_at_ms, modified_at_ms)
    VALUES (1, 1, 1, '', '', '', '', '', 0, 1, 1);
INSERT INTO spaces (id, course_id, creator_id, name, description, created_at_ms, modified_at_ms) VALUES (1, 1, 1, '', '', 1, 1);
INSERT INTO branches (id, space_id, parent_id, parent_folder_id, folder_count) VALUES (1, 1, 0, 0, 1);
INSERT INTO folders (id, space_id, branch_id, parent_id, creator_id, name, name_key, created_at_ms, modified_at_ms)
    VALUES (1, 1, 1, 0, 1, '', '', 1, 1);
INSERT INTO folder_files (file_id, folder_id, space_id, name_key) SELECT id, 1, 1, lower(name) FROM files;
"""


@pytest.fixture
def both(database, sqlite):
    """Runs the n-th statement of a function on both databases, and returns the rows if they are the same."""
    database.script("BEGIN")
    database.script(ROWS % ("decode(lpad(to_hex(x.id), 32, '0'), 'hex')", "decode(repeat('00', 16), 'hex')"))
    sqlite.execute("BEGIN")
    for text in (ROWS % ("CAST(printf('%16d', x.id) AS BLOB)", "zeroblob(16)")).split(";"):
        sqlite.execute(text)

    def run(one, *values):
        rows, _ = database.run(one["postgres"], *values)
        found = sqlite.execute(one["sqlite"], {str(i): value for i, value in enumerate(values, 1)}).fetchall()
        shown = [[None if v is None else str(v) for v in row] for row in found]
        bytes_of = [i for i, v in enumerate(found[0]) if isinstance(v, bytes)] if found else []
        for row in rows + shown:
            for i in bytes_of:
                row[i] = "bytes"
        assert rows == shown
        return rows
    yield run
    sqlite.execute("ROLLBACK")
    database.script("ROLLBACK")


def test_the_bytes_of_a_text_are_counted_alike(both, statements):
    one, = of_function(statements, "meta_comment_bytes")
    assert both(one, 1) == [["15"]]
    assert both(one, 9) == [["0"]]


@pytest.mark.parametrize("name, value, tasks", [
    ("project_id", "7", ["2", "3"]), ("project_id", "1.5", ["5"]), ("a.b", "x", ["2"]), ("none", "", ["5"]), ("none", "null", []),
    ("list", "7", []), ("flag", "1", []), ("flag", "true", []), ("éé", "ü", ["5"])])
def test_a_member_of_json_is_found_alike(both, statements, name, value, tasks):
    for one in of_function(statements, "choose_walk"):
        by_member = "d.user_id" in one["sqlite"]
        values = [1, 0, 1, 1 if by_member else 0, 7, 0, 0, -1, name, value, "", ""]
        if "COUNT(*)" in one["sqlite"]:
            assert both(one, *values) == [[str(len([t for t in tasks if t == "2" or not by_member]))]]
        else:
            assert {row[0] for row in both(one, *values, 100, 0)} == {t for t in tasks if t == "2" or not by_member}


@pytest.mark.parametrize("pattern, files", [
    ("%%", "321"), ("%pdf%", "21"), ("%report\\_%", "1"), ("%é%", "3"), ("%É%", "2"), ("%\\%%", "3")])
def test_both_databases_find_the_same_files_by_name(both, statements, pattern, files):
    for one in of_function(statements, "meta_file_list"):
        last = max(int(number) for number in re.findall(r"\$(\d+)", one["sqlite"]))  # the limit; before it accounts, owners, tasks, folders
        assert "".join(row[0] for row in both(one, 100, -1, pattern, 1, *[1] * (last - 5), 10)) == files


# ── questions about sync files, which are compiled when they are asked

FILE_ROWS = """
INSERT INTO accounts (id, name, created_at_ms, max_bytes, max_files, used_bytes, used_files) VALUES (1, 'a', 1, 0, 0, 0, 0);
INSERT INTO users (id, account_id, login, name, email, kind, state, is_admin, created_at_ms) VALUES
    (1, 1, 'ana', 'Ana', '', 0, 0, 0, 1);
INSERT INTO buckets (id, account_id, owner_id, name, kind, created_at_ms) VALUES (1, 1, 1, 'b', 0, 1);
INSERT INTO workspaces (id, account_id, name, created_at_ms) VALUES (1, 1, 'W', 1), (2, 1, 'V', 1);
INSERT INTO sections (id, workspace_id, name, refuses_deletes, created_at_ms) VALUES (1, 1, 'a', 0, 1), (2, 1, 'B', 0, 1), (3, 2, 'x', 0, 1);
"""
# Every text column takes the first value, every number and state the second, every time the third.
FILES = [("", 0, 0), ("a", 0, 1000), ("B", 1, 2000), ("é", 2, 3000), ("x", 4, 4000), ("ax", 6, 5000), ("A\nx", 7, 6000),
         ("b", 8, 2000), ("_", 3, 1)]


def file_rows(prefix):
    texts = "entity_type, folder, category, remark, action, data_source, reference, content_type"
    for i, (text, number, at) in enumerate(FILES, 1):
        for section, workspace in ((1, 1), (2, 1), (3, 2)):
            values = ", ".join(["'" + text + "'"] * 8)
            yield (f"INSERT INTO sync_files (id, handle, account_id, owner_id, workspace_id, section_id, bucket_id, object_key,"
                   f" origin, way, name, {texts}, tags, metadata, max_bytes, idle_ms, state, size_bytes, created_at_ms,"
                   f" modified_at_ms, link_expires_at_ms, uploaded_at_ms, due_at_ms, import_number, form, started_at_ms,"
                   f" finished_at_ms) VALUES ({10 * i + section}, '{text}{section}{i}', 1, 1, {workspace}, {section}, 1, 'k',"
                   f" 'o', {number % 4}, '{text}', {values}, '', '', 0, 0, {number}, {number}, {at}, {at}, {at}, {at}, 0,"
                   f" {number % 3}, {number % 2}, {at}, {at})")


@pytest.fixture(scope="session")
def file_queries(cais):
    printed = subprocess.run([os.path.join(os.path.dirname(cais), "tests", "support", "write-file-queries")], check=True,
                             capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def test_both_databases_answer_every_question_about_sync_files_alike(database, sqlite, file_queries):
    assert len(file_queries) > 500
    sqlite.create_function("cais_matches", 2, lambda text, pattern: None if text is None
                           else re.search(pattern.replace("$", "\\Z"), text) is not None)
    database.script("BEGIN")
    sqlite.execute("BEGIN")
    for text in [*filter(str.strip, FILE_ROWS.split(";")), *file_rows("")]:
        database.script(text)
        sqlite.execute(text)
    found = set()
    for i, one in enumerate(file_queries):
        assert i % 20 or error_of(database, one["postgres"]) is None, one["postgres"]
        assert i % 20 or not scanned(sqlite, one["sqlite"]), one["sqlite"]
        rows, _ = database.run(one["postgres"], *one["values"])
        want = sqlite.execute(one["sqlite"], {str(i): v for i, v in enumerate(one["values"], 1)}).fetchall()
        assert [int(row[0]) for row in rows] == [row[0] for row in want], one
        found.add(len(rows))
    assert len(found) > 8 and max(found) == 2 * len(FILES)
    sqlite.execute("ROLLBACK")
    database.script("ROLLBACK")
