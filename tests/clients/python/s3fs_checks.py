# SPDX-License-Identifier: Apache-2.0
"""Reads and writes files with the newest s3fs, which has aiobotocore."""
import os
import tempfile

import s3fs
from reporting import SERVER, check, run_all

MIB = 1 << 20
FS = s3fs.S3FileSystem(endpoint_url=SERVER["url"], key=os.environ["AWS_ACCESS_KEY_ID"], secret=os.environ["AWS_SECRET_ACCESS_KEY"],
                       client_kwargs={"region_name": "us-east-1"}, config_kwargs={"s3": {"addressing_style": "path"}})
ROOT = "newest-s3fs"
FS.mkdir(ROOT)


def put_and_get():
    for name, data in (("empty", b""), ("small", b"hello"), ("a b+/é", os.urandom(MIB))):
        FS.pipe(f"{ROOT}/{name}", data)
        assert FS.cat(f"{ROOT}/{name}") == data
        assert FS.info(f"{ROOT}/{name}")["size"] == len(data)
    assert FS.cat_file(f"{ROOT}/small", start=1, end=4) == b"ell"
    FS.setxattr(f"{ROOT}/small", color="red")
    assert FS.getxattr(f"{ROOT}/small", "color") == "red"


def multipart():
    data = os.urandom(13 * MIB)
    with FS.open(f"{ROOT}/large", "wb", block_size=5 * MIB) as out:
        for at in range(0, len(data), 3 * MIB):
            out.write(data[at:at + 3 * MIB])
    with FS.open(f"{ROOT}/large", "rb") as file:
        file.seek(7 * MIB)
        assert file.read(5) == data[7 * MIB:7 * MIB + 5]
    with tempfile.TemporaryDirectory() as folder:
        FS.get(f"{ROOT}/large", folder + "/down")
        FS.put(folder + "/down", f"{ROOT}/again")
    assert FS.cat(f"{ROOT}/again") == data
    with FS.open(f"{ROOT}/again", "ab") as out:
        out.write(b"end")
    assert FS.cat(f"{ROOT}/again") == data + b"end"


def listing():
    names = [f"{ROOT}/list/{n}" for n in ("a", "b", "c/d")]
    for name in names:
        FS.pipe(name, b"x")
    FS.invalidate_cache()
    assert FS.find(f"{ROOT}/list") == names
    assert sorted(FS.ls(f"{ROOT}/list", detail=False)) == [f"{ROOT}/list/a", f"{ROOT}/list/b", f"{ROOT}/list/c"]
    assert FS.glob(f"{ROOT}/list/*/d") == [names[2]] and not FS.exists(f"{ROOT}/list/none")


def copy_and_delete():
    FS.pipe(f"{ROOT}/from +", b"hello")
    FS.copy(f"{ROOT}/from +", f"{ROOT}/to")
    FS.mv(f"{ROOT}/to", f"{ROOT}/moved")
    assert FS.cat(f"{ROOT}/moved") == b"hello" and not FS.exists(f"{ROOT}/to")
    FS.rm(f"{ROOT}/moved")
    assert not FS.exists(f"{ROOT}/moved")
    FS.mkdir(ROOT + "-gone")
    for i in range(5):
        FS.pipe(f"{ROOT}-gone/x/{i}", b"x")
    FS.rm(ROOT + "-gone", recursive=True)
    assert not FS.exists(ROOT + "-gone")


def conditions():
    FS.pipe_file(f"{ROOT}/once", b"first", mode="create")
    try:
        FS.pipe_file(f"{ROOT}/once", b"second", mode="create")
    except OSError as e:
        assert e.__cause__.response["Error"]["Code"] == "PreconditionFailed"
    else:
        raise AssertionError("the file was replaced")
    assert FS.cat(f"{ROOT}/once") == b"first"
    etag = FS.info(f"{ROOT}/once")["ETag"]
    asked = FS.call_s3("get_object", Bucket=ROOT, Key="once", IfMatch=etag)
    assert asked["ETag"] == etag
    for more in ({"IfNoneMatch": etag}, {"IfMatch": '"x"'}):
        try:
            FS.call_s3("get_object", Bucket=ROOT, Key="once", **more)
        except OSError:
            continue
        raise AssertionError(f"{more} was passed over")


check("files are written and read", put_and_get)
check("large files, in parts", multipart)
check("lists", listing)
check("copies, moves and deletes", copy_and_delete)
check("conditional reads and writes", conditions)
run_all()
