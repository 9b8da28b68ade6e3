# SPDX-License-Identifier: Apache-2.0
"""This tree passes all checks of tools/, and each check reports the fault that is planted for it."""
import os
import subprocess

import pytest
from planted import check, plant, whole, write

ALL = sorted(name for name in os.listdir(os.path.join(os.path.dirname(__file__), "../../tools"))
             if name.startswith("check-"))
each_check = pytest.mark.parametrize("tool", ALL)


def test_the_checks_are_found():
    assert len(ALL) >= 3


@each_check
def test_this_tree_passes(root, tool):
    done = subprocess.run([os.path.join(root, "tools", tool)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@each_check
def test_a_tree_without_sources_fails(root, tool, tmp_path):
    assert check(root, tool, tmp_path)[0] == 1


@each_check
def test_a_small_tree_passes(root, tool, tmp_path):
    status, output = check(root, tool, whole(tmp_path))
    assert status == 0, output


@each_check
def test_a_stale_exception_fails(root, tool, tmp_path):
    name = tool.removeprefix("check-")
    write(whole(tmp_path), f"tools/exceptions/{name}.txt", "# a heading\n\nwhat_is_gone  # it was hard\n")
    status, output = check(root, tool, tmp_path)
    assert status == 1
    assert f"tools/exceptions/{name}.txt:3: 'what_is_gone' is no longer needed" in output


@each_check
def test_an_exception_without_a_reason_fails(root, tool, tmp_path):
    name = tool.removeprefix("check-")
    write(whole(tmp_path), f"tools/exceptions/{name}.txt", "a\nb  #\n")
    status, output = check(root, tool, tmp_path)
    assert status == 1 and f"{name}.txt:1: 'a' has no reason" in output and f"{name}.txt:2: 'b' has no reason" in output


@each_check
def test_a_duplicate_exception_fails(root, tool, tmp_path):
    name = tool.removeprefix("check-")
    write(whole(tmp_path), f"tools/exceptions/{name}.txt", "a\na  # again\n")
    status, output = check(root, tool, tmp_path)
    assert status == 1 and f"{name}.txt:2: 'a' stands twice" in output


@pytest.mark.parametrize("path,text,message", [
    ("core/a.c", '#include "http/request.h"\n', "no arrow from core to http"),
    ("core/a.c", '#include "meta/meta.h"\n', "no arrow from core to meta"),
    ("base/a.c", '#include "core/file.h"\n', "no arrow from base to core"),
    ("http/a.c", '#include "core/file.h"\n', "no arrow from http to core"),
    ("jobs/a.c", '#include "http/request.h"\n', "no arrow from jobs to http"),
    ("sftp/a.c", '#include "http/request.h"\n', "no arrow from sftp to http"),
    ("blob/disk/a.c", '#include "sign/sigv4.h"\n', "no arrow from blob to sign"),
    ("meta/a.c", '#include "blob/blob.h"\n', "no arrow from meta to blob"),
    ("meta/a.c", '#include "cli/config.h"\n', "no arrow from meta to cli"),
    ("api/pyrus/a.c", '#include "api/s3/s3.h"\n', "api/pyrus never includes api/s3"),
    ("api/kit/a.c", '#include "api/s3/s3.h"\n', "api/kit never includes api/s3"),
    ("api/pyrus/a.c", '#include "blob/blob.h"\n', "no arrow from api to blob"),
    ("api/pyrus/a.c", '  #  include "sql/sql.h"\n', "no arrow from api to sql"),
    ("blob/disk/a.c", '#include "blob/mem/mem.h"\n', "blob/disk never includes blob/mem"),
    ("http/a.c", '#include "base/json_priv.h"\n', "is private to src/base"),
    ("http/a.c", '#include "../core/file.h"\n', "climbs out"),
    ("novelty/a.c", '#include "base/slice.h"\n', "src/novelty has no line"),
    ("meta/a.c", "#include <sqlite3.h>\n", "<sqlite3.h> belongs to src/sql/sqlite/ only"),
    ("sql/sqlite/a.c", "#include <libpq-fe.h>\n", "belongs to src/sql/postgres/ only"),
    ("core/a.c", "#include <llhttp.h>\n", "belongs to src/http/ only"),
    ("base/a.c", "#include <openssl/ssl.h>\n", "belongs to src/http/ only"),
    ("core/a.c", "#include <openssl/evp.h>\n", "belongs to src/base/ and src/http/ only"),
    ("base/hash.c", "#include <argon2.h>\n", "belongs to src/base/password only"),
    ("http/a.c", "#include <curl/curl.h>\n", "belongs to src/cli/ and src/hook/ and src/blob/s3/ only"),
    ("core/a.c", '#include "jansson.h"\n', "belongs to src/base/ only"),
    ("core/a.c", "/* as Pyrus does */\n", "'Pyrus' is the name of an API"),
    ("core/a.h", "int redu;\n", "'redu' is the name of an API"),
    ("core/README.md", "datasnap\n", "'datasnap' is the name of an API"),
    ("core/a.h", "int unlisted_id;\n", "'unlisted' is the name of an API"),
    ("core/bucket/a.c", "/* S3's rule */\n", "'S3' is the name of an API"),
    ("core/a.c", "int s3_key;\n", "'s3' is the name of an API"),
    ("core/access/a.c", '#include "core/file/file.h"\n', "no arrow from core/access to core/file"),
    ("core/object/a.c", '#include "core/access/access.h"\n', "no arrow from core/object to core/access"),
    ("core/file/a.c", '#include "core/task/task.h"\n', "no arrow from core/file to core/task"),
    ("core/bucket/a.c", '#include "core/file/file.h"\n', "no arrow from core/bucket to core/file"),
    ("core/task/a.c", '#include "core/object/intake.h"\n', "no arrow from core/task to core/object"),
    ("core/ticket/a.c", '#include "core/care/fsck.h"\n', "no arrow from core/ticket to core/care"),
    ("core/ticket/a.c", '#include "core/task/task.h"\n', "no arrow from core/ticket to core/task"),
    ("core/store/a.h", '#include "core/file/file.h"\n', "no arrow from core/store to core/file"),
    ("core/core.h", '#include "core/file/file.h"\n', "no arrow from the top of core to core/file"),
    ("core/novelty/a.c", '#include "base/slice.h"\n', "src/core/novelty has no line"),
    ("core/file/a.c", '#include "core/access/access_priv.h"\n', "is private to src/core/access"),
    ("cli/a.c", '#include "core/core_priv.h"\n', "is private to src/core"),
    ("core/store/a.h", '#include "core/core.h"\n', "no arrow from core/store to the top of core"),
    ("core/records/a.h", '#include "core/store/a.h"\n', "no arrow from core/records to core/store"),
    ("cli/a.c", '#include "core/store/files.h"\n', "core/store is for core, meta and jobs"),
    ("api/s3/a.c", '#include "core/store/blob_store.h"\n', "core/store is for core, meta and jobs"),
    ("meta/a.c", '#include "core/file/file.h"\n', "no arrow from meta to core/file, only to core/store and core/records"),
    ("blob/disk/a.c", '#include "core/core.h"\n', "no arrow from blob to core, only to core/store and core/records"),
    ("blob/disk/a.c", '#include "core/store/files.h"\n', "core/store is for core, meta and jobs"),
])
def test_an_include_without_an_arrow_is_reported(root, tmp_path, path, text, message):
    write(tmp_path, "src/api/apis.def", "API(pyrus)\nAPI(s3)\nPLANNED(redu)\nPLANNED(datasnap)\n")
    write(tmp_path, "src/api/unlisted/module.c", "")
    status, output = check(root, "check-layers", plant(tmp_path, **{path: text}))
    assert status == 1
    assert message in output and f"src/{path}:1:" in output


@pytest.mark.parametrize("path,text", [
    ("cli/a.c", '#include "api/pyrus/pyrus.h"\n#include "http/server.h"\n#include <curl/curl.h>\n'),
    ("api/pyrus/a.c", '#include "api/pyrus/pyrus.h"\n#include "api/kit/kit.h"\n#include "http/x.h"\n#include "core/x.h"\n'),
    ("blob/s3/a.c", '#include "sign/sigv4.h"\n#include "core/store/blob_store.h"\n#include <curl/curl.h>\n'),
    ("meta/a.c", '#include "core/store/files.h"\n#include "core/records/file.h"\n'),
    ("api/native/a.c", '#include "core/records/file.h"\n'),
    ("jobs/a.c", '#include "core/store/files.h"\n#include "core/file/file.h"\n'),
    ("core/file/a.c", '#include "core/core_priv.h"\n#include "core/store/x.h"\n#include "core/object/intake.h"\n'),
    ("core/ticket/a.c", '#include "core/file/file.h"\n#include "core/bucket/bucket.h"\n#include "core/object/intake.h"\n'),
    ("core/care/a.c", '#include "core/file/file.h"\n#include "core/access/access.h"\n#include "core/task/task.h"\n'),
    ("core/core.h", '#include "core/records/file.h"\n#include "core/store/blob_store.h"\n'),
    ("sql/sqlite/a.c", '#include "sql/sql.h"\n#include <sqlite3.h>\n'),
    ("base/password.c", "#include <argon2.h>\n#include <openssl/evp.h>\n"),
    ("core/a.c", "/* what is reduced stays */\n"),
])
def test_an_include_with_an_arrow_passes(root, tmp_path, path, text):
    write(tmp_path, "src/api/apis.def", "API(s3)\nPLANNED(redu)\n")
    status, output = check(root, "check-layers", plant(tmp_path, **{path: text}))
    assert status == 0, output


STORE_HEADER = "MUST_USE err_t meta_file_get(struct tx *, int64_t id,\n    struct file *ret);\n"


@pytest.mark.parametrize("path", ["api/s3/a.c", "cli/a.c"])
def test_a_call_of_the_store_that_bypasses_core_is_reported(root, tmp_path, path):
    tree = plant(tmp_path, **{"core/store/files.h": STORE_HEADER, path: "int x;\n    TRY(meta_file_get(tx, 1, &f));\n"})
    status, output = check(root, "check-layers", tree)
    assert status == 1 and f"src/{path}:2: meta_file_get() is the store's" in output


@pytest.mark.parametrize("path,text", [
    ("jobs/a.c", "TRY(meta_file_get(tx, 1, &f));\n"), ("core/file/a.c", "TRY(meta_file_get(tx, 1, &f));\n"),
    ("api/s3/a.c", "/* as meta_file_get() */ x->meta_file_get(1);\n"),
])
def test_code_that_only_resembles_a_call_of_the_store_passes(root, tmp_path, path, text):
    status, output = check(root, "check-layers", plant(tmp_path, **{"core/store/files.h": STORE_HEADER, path: text}))
    assert status == 0, output


def test_an_exception_permits_its_include(root, tmp_path):
    tree = plant(tmp_path, **{"core/file/a.c": '#include "core/task/task.h"\n'})
    write(tree, "tools/exceptions/layers.txt", "src/core/file/a.c includes core/task/task.h  # until it is moved\n")
    status, output = check(root, "check-layers", tree)
    assert status == 0, output


@pytest.mark.parametrize("call", [
    "strcpy(a, b);", "strcat(a, b);", "sprintf(a, b);", "vsprintf(a, b, c);", "gets(a);", "strtok(a, b);", "atoi(a);",
    "atol(a);", "strncpy(a, b, 1);", "time(NULL);", "gettimeofday(&t, NULL);", "x = rand();", "x = random ();",
    "srand(1);", "system(a);", "popen(a, b);", "alloca(3);", "usleep(3);", "sleep(3);",
])
def test_a_banned_call_is_reported(root, tmp_path, call):
    status, output = check(root, "check-banned", plant(tmp_path, **{"core/a.c": f"void f(void)\n{{\n    {call}\n}}\n"}))
    assert status == 1
    assert "src/core/a.c:3: " in output


@pytest.mark.parametrize("line", [
    "x = time(NULL); /* allowed: seeds the demo */", "/* time(NULL) is what we never call */", 'log("sleep(3)");',
    "clock->time(clock);", "random_fill(r, p, n);", "monotonic_time(c);", "snprintf(p, n, f);", "struct random *r;",
])
def test_code_that_only_resembles_a_banned_call_passes(root, tmp_path, line):
    status, output = check(root, "check-banned", plant(tmp_path, **{"core/a.c": line + "\n"}))
    assert status == 0, output


def test_an_allowed_call_needs_a_reason(root, tmp_path):
    assert check(root, "check-banned", plant(tmp_path, **{"core/a.c": "time(NULL); /* allowed: */\n"}))[0] == 1


def test_an_allowance_without_a_banned_call_is_reported(root, tmp_path):
    tree = plant(tmp_path, **{"core/a.c": "x = now(); /* allowed: seeds the demo */\n"})
    status, output = check(root, "check-banned", tree)
    assert status == 1 and "src/core/a.c:1: nothing here needs to be allowed" in output


def test_a_long_function_is_reported(root, tmp_path):
    body = "    step();\n"
    tree = plant(tmp_path, **{"core/a.c": "void brief(void)\n{\n" + body * 80 + "}\n\nvoid lengthy(void)\n{\n" +
                              body * 81 + "}\n"})
    status, output = check(root, "check-length", tree)
    assert status == 0 and "lengthy" in output and "brief" not in output
    assert check(root, "check-length", tree, "--strict")[0] == 1
