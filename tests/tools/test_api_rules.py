# SPDX-License-Identifier: Apache-2.0
"""The tests that docs/apis/*-rules.md name exist, and the table of each API names all tests of the API."""
import os
import re

import pytest

# For each API: the file of tests for each prefix in its table. `own`: prefixes of files whose tests must all be named.
APIS = {
    "pyrus": {"own": ["u"],
              "files": {"u": "tests/unit/pyrus.c", "t": "tests/unit/task.c", "r": "tests/unit/rate_limit.c",
                        "f": "tests/unit/file.c", "cd": "tests/unit/content_disposition.c",
                        "mp": "tests/unit/multipart.c", "fn": "tests/unit/file_name.c", "ra": "tests/unit/range.c",
                        "co": "tests/unit/conditional.c", "a": "tests/clients/test_access.py",
                        "l": "tests/clients/test_logs.py", "fo": "tests/clients/test_form_names.py",
                        "st": "tests/clients/test_stalled.py"}},
    "runrun": {"own": ["u", "k", "l", "c"],
               "files": {"u": "tests/unit/runrun.c", "k": "tests/unit/runrun_tasks.c", "l": "tests/unit/runrun_links.c",
                         "c": "tests/clients/test_runrun.py", "t": "tests/unit/ticket.c", "s": "tests/unit/s3_form.c",
                         "r": "tests/unit/rate_limit.c", "fo": "tests/unit/form.c", "mt": "tests/unit/media_type.c",
                         "p": "tests/clients/test_runrun_clients.py", "z": "tests/unit/zip.c", "zr": "tests/tools/test_zip.py",
                         "cd": "tests/unit/content_disposition.c", "st": "tests/clients/test_stalled.py"}},
    "redu": {"own": ["u", "c", "o"],
             "files": {"u": "tests/unit/redu.c", "c": "tests/clients/test_redu.py", "f": "tests/unit/folders.c",
                       "co": "tests/unit/courses.c", "fn": "tests/unit/file_name.c",
                       "cd": "tests/unit/content_disposition.c", "wa": "tests/clients/test_who_answers.py",
                       "lr": "tests/unit/long_reads.c", "o": "tests/unit/redu_oauth.c", "ap": "tests/unit/application.c",
                       "oc": "tests/clients/test_redu_oauth.py", "ro": "tests/clients/test_redu_roles.py",
                       "ob": "tests/clients/test_redu_oauth_browser.py", "fo": "tests/clients/test_form_names.py",
                       "st": "tests/clients/test_stalled.py"}},
    "datasnap": {"own": ["u", "f", "q", "o", "d", "l", "ls", "lw", "rr", "qb", "qt", "qr", "ct", "cl", "t", "fo", "up"],
                 "files": {"u": "tests/unit/datasnap.c", "f": "tests/unit/datasnap_files.c",
                           "q": "tests/unit/datasnap_query.c", "o": "tests/unit/oci.c", "d": "tests/unit/datasets.c",
                           "l": "tests/unit/line.c", "ls": "tests/unit/lines.c", "lw": "tests/unit/line_words.c",
                           "rr": "tests/unit/row_reader.c", "qb": "tests/unit/query_body.c", "qt": "tests/unit/query_build.c",
                           "qr": "tests/unit/query_reply.c", "ct": "tests/unit/cell_text.c", "cl": "tests/unit/columns.c",
                           "js": "tests/unit/json_scan.c", "nu": "tests/unit/number.c", "rt": "tests/unit/route_walk.c",
                           "kr": "tests/unit/key_role.c", "cq": "tests/conformance/dataset_query.c",
                           "cs": "tests/conformance/dataset.c", "cf": "tests/conformance/dataset_files.c",
                           "qm": "tests/conformance/test_queries.py", "t": "tests/clients/test_datasnap_tool.py",
                           "fo": "tests/clients/test_datasnap_forms.py", "up": "tests/clients/test_upload_urls.py",
                           "wa": "tests/clients/test_who_answers.py", "de": "tests/clients/test_demo.py",
                           "ki": "tests/crash/test_kill_ingestion.py", "fd": "tests/crash/test_full_disk_datasets.py",
                           "bo": "tests/crash/test_dataset_bounds.py", "ij": "tests/crash/test_ingestion_jobs.py",
                           "dt": "tests/crash/test_damaged_tables.py", "bk": "tests/crash/test_backup_datasets.py",
                           "st": "tests/clients/test_stalled.py"}},
    "appfile": {"own": ["u", "i", "r", "rs", "qm", "fq", "s", "si", "sf", "cf", "c", "bi", "ib", "ci", "ts", "pl", "pk", "ss", "sc", "sb"],
                "files": {"u": "tests/unit/appfile.c", "i": "tests/unit/appfile_imports.c", "si": "tests/unit/sync_import.c",
                          "sf": "tests/unit/sync_import_faults.c", "de": "tests/clients/test_demo.py", "ao": "tests/clients/test_all_origins.py",
                          "sr": "tests/unit/sync_reader.c", "jf": "tests/unit/json_feed.c", "s": "tests/unit/sync_files.c", "cf": "tests/conformance/meta_sync.c",
                          "c": "tests/clients/test_appfile.py", "bi": "tests/clients/test_appfile_bad_input.py", "wa": "tests/clients/test_who_answers.py",
                          "rt": "tests/unit/route_walk.c", "do": "tests/clients/test_documents.py", "kr": "tests/unit/key_role.c",
                          "ib": "tests/unit/inbox.c", "ci": "tests/conformance/meta_inbox.c", "ts": "tests/unit/transfer_section.c",
                          "pl": "tests/unit/public_key_login.c", "pk": "tests/unit/public_key.c", "ky": "tests/clients/test_keys.py",
                          "ss": "tests/unit/sftp_session.c", "sp": "tests/unit/sftp_packet.c",
                          "sc": "tests/clients/test_sftp.py", "sb": "tests/clients/test_sftp_bad_input.py",
                          "r": "tests/unit/appfile_records.c", "rs": "tests/unit/sync_records.c",
                          "rq": "tests/conformance/record_query.c", "re": "tests/unit/regex.c",
                          "qm": "tests/unit/query_members.c", "fq": "tests/unit/appfile_files.c",
                          "pg": "tests/conformance/test_postgres.py", "st": "tests/clients/test_stalled.py"}},
}
each_api = pytest.mark.parametrize("api", APIS)


def cases(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return {c or python for c, python in re.findall(r"^(?:TEST|FOR_EACH_DATABASE)\((\w+)\)|^def (test_\w+)", f.read(), re.M)}


def read(root, api):
    with open(os.path.join(root, f"docs/apis/{api}-rules.md"), encoding="utf-8") as f:
        text = f.read()
    rows = [line.split("|")[-2] for line in text.splitlines() if re.match(r"\| \d", line)]
    assert len(rows) > 40
    return text, [part.strip() for row in rows for part in row.split(";")]


@each_api
def test_every_named_test_exists(root, api):
    files = APIS[api]["files"]
    text, parts = read(root, api)
    named = [n for n in re.findall(r"\b([a-z]+):([a-z0-9_]{6,})", text) if n[0] != "w"]
    for mark, case in named:
        assert mark in files, f"no file for {mark}:{case}"
        assert case in cases(root, files[mark]), f"{case} is not in {files[mark]}"
    assert {mark for mark, _ in named} == set(files)
    marks = "|".join(["w", *files])
    for part in parts:  # a part that names no test must name a transcript or a CHECK of the tables, or say why there is none
        assert re.match(rf"({marks}):|the tables' CHECK$|none: \w+( \S+){{5}}", part), part
        for bare in re.findall(rf"\b({'|'.join(files)}):(?![a-z ])", part):
            assert cases(root, files[bare]), part


@each_api
def test_every_named_transcript_exists(root, api):
    folder = os.path.join(root, "tests/wire", api)
    have = {name.removesuffix(".wire") for name in (os.listdir(folder) if os.path.isdir(folder) else ())}
    for part in read(root, api)[1]:
        for words in re.findall(r"\bw:\s?([a-z-]+(?:, [a-z-]+)*)", part):
            assert set(words.split(", ")) <= have | {"all"}, part
        for directive in re.findall(r"\bw:.*`(\(no [^`]*)`", part):
            found = [n for n in have if directive in open(os.path.join(folder, n + ".wire"), encoding="utf-8").read()]
            assert found, f"no transcript has {directive}"


@each_api
def test_every_test_of_the_api_is_in_its_table(root, api):
    text = read(root, api)[0]
    for mark in APIS[api]["own"]:
        named = set(re.findall(rf"\b{mark}:([a-z0-9_]{{6,}})", text))
        missing = cases(root, APIS[api]["files"][mark]) - named
        assert not missing, sorted(missing)


S3 = {"a": "tests/unit/s3_auth.c", "o": "tests/unit/s3_object.c", "f": "tests/unit/s3_form.c", "r": "tests/unit/route.c",
      "h": "tests/unit/http.c", "l": "tests/clients/test_listeners.py"}


def test_every_test_that_the_table_of_s3_names_exists(root):
    with open(os.path.join(root, "docs/apis/s3.md"), encoding="utf-8") as f:
        named = re.findall(r"\b([a-z]):(\w+)(…?)", f.read().split("## Which test holds which rule")[1])
    assert len(named) > 50
    for mark, name, cut in named:
        there = cases(root, S3[mark])
        assert any(case.startswith(name) for case in there) if cut else name in there, f"{mark}:{name}"
