# SPDX-License-Identifier: Apache-2.0
"""Reads and writes files with the newest pyarrow, which has the AWS SDK for C++."""
import os

import pyarrow
import pyarrow.fs
import pyarrow.parquet
from reporting import SERVER, check, run_all

MIB = 1 << 20
FS = pyarrow.fs.S3FileSystem(
    access_key=os.environ["AWS_ACCESS_KEY_ID"], secret_key=os.environ["AWS_SECRET_ACCESS_KEY"], region="us-east-1", scheme="http",
    endpoint_override=SERVER["url"].split("//")[1], allow_bucket_creation=True, allow_bucket_deletion=True)
ROOT = "newest-pyarrow"
FS.create_dir(ROOT)


def write(path, data):
    with FS.open_output_stream(path, metadata={"Content-Type": "text/x-test"}) as out:
        out.write(data)


def read(path):
    with FS.open_input_stream(path) as stream:
        return stream.read()


def put_and_get():
    for name, data in (("empty", b""), ("small", b"hello"), ("a b/é", os.urandom(MIB))):
        write(f"{ROOT}/{name}", data)
        assert read(f"{ROOT}/{name}") == data
        assert FS.get_file_info(f"{ROOT}/{name}").size == len(data)


def multipart():
    data = os.urandom(12 * MIB)
    with FS.open_output_stream(f"{ROOT}/large") as out:
        for at in range(0, len(data), 3 * MIB):
            out.write(data[at:at + 3 * MIB])
    assert read(f"{ROOT}/large") == data
    with FS.open_input_file(f"{ROOT}/large") as file:
        assert file.read_at(5, 7 * MIB) == data[7 * MIB:7 * MIB + 5]


def parquet():
    table = pyarrow.table({"n": list(range(50000)), "text": [f"row {i}" for i in range(50000)]})
    pyarrow.parquet.write_table(table, f"{ROOT}/rows/a.parquet", filesystem=FS)
    found = pyarrow.parquet.read_table(f"{ROOT}/rows/a.parquet", filesystem=FS, columns=["n"], filters=[("n", ">=", 49990)])
    assert found.column("n").to_pylist() == list(range(49990, 50000))


def listing():
    for name in ("list/a", "list/b", "list/c/d"):
        write(f"{ROOT}/{name}", b"x")
    found = FS.get_file_info(pyarrow.fs.FileSelector(f"{ROOT}/list", recursive=True))
    assert sorted(f.path for f in found if f.is_file) == [f"{ROOT}/list/{n}" for n in ("a", "b", "c/d")]
    assert FS.get_file_info(f"{ROOT}/list/none").type == pyarrow.fs.FileType.NotFound


def copy_and_delete():
    write(f"{ROOT}/from +", b"hello")
    FS.copy_file(f"{ROOT}/from +", f"{ROOT}/to")
    FS.move(f"{ROOT}/to", f"{ROOT}/moved")
    assert read(f"{ROOT}/moved") == b"hello"
    FS.delete_file(f"{ROOT}/moved")
    assert FS.get_file_info([f"{ROOT}/moved"])[0].type == pyarrow.fs.FileType.NotFound
    bucket = ROOT + "-gone"
    FS.create_dir(bucket)
    write(f"{bucket}/x/y", b"x")
    FS.delete_dir(bucket)
    assert FS.get_file_info(bucket).type == pyarrow.fs.FileType.NotFound


check("files are written and read", put_and_get)
check("a large file, in parts", multipart)
check("a table of Parquet", parquet)
check("lists", listing)
check("copies, moves and deletes", copy_and_delete)
run_all()
