# SPDX-License-Identifier: Apache-2.0
"""Bad sync files over the wire: what is wrong is named, nothing of a file that is refused is applied, and the server stays small."""
import json

import pytest
from rounds import rounds
from server import wait_for
from test_appfile import HEAD, AppfileServer, families, rows_in_request, sync_file

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with AppfileServer(tmp_path_factory.mktemp("bad")) as started:
        yield started


def outcome(server, content, file_type="cc5"):
    """What the call that waits says of this content."""
    data = server.put(content)
    answer = server.import_file(data, FileType=file_type)
    shown = answer["Data"]["File"]
    assert answer["IsSuccess"] == (shown["Status"] != "failed"), answer
    assert answer["ResponseStatus"]["Errors"] == shown["Errors"], answer
    if shown["Status"] == "failed":
        assert answer["ResponseStatus"]["ErrorCode"] == "ImportFailed", answer
        assert answer["ResponseStatus"]["Message"] == shown["Errors"][0]["Message"], answer
    status = server.call("GET", "/appfile/file/" + data["FileId"], role="viewer").json()
    assert status["Data"]["File"] == shown and status["IsSuccess"] == answer["IsSuccess"]
    return shown


def is_refused(server, content, code, file_type="cc5"):
    shown = outcome(server, content, file_type)
    assert shown["Status"] == "failed" and shown["Errors"][0]["ErrorCode"] == code, (code, shown["Errors"][:2])
    assert shown["Progress"]["Inserted"] == shown["Progress"]["Updated"] == shown["Progress"]["Deleted"] == 0, shown
    return shown


def test_a_file_that_is_no_whole_file_is_refused(server):
    whole = families(20)
    lines = whole.decode().splitlines(keepends=True)
    join = "".join
    for content, code in (
            (b"", "EmptyFile"), (b"\n\r\n\n", "EmptyFile"), (b"\xef\xbb\xbf", "EmptyFile"), (b"99|0\n", "BadHeader"), (b"{}", "BadHeader"),
            (b"10|F-1|a|1\n", "BadHeader"), (join(lines[1:]).encode(), "BadHeader"), (join(lines[:2] + lines[3:]).encode(), "BadHeader"),
            (join(lines[:4]).encode(), "MissingFooter"), (join(lines[:-1]).encode(), "MissingFooter"), (whole + b"10|F-99|a|1\n", "MissingFooter"),
            (whole[:-4], "RowCountMismatch"), (whole.replace(b"99|20", b"99|19"), "RowCountMismatch"), (whole.replace(b"99|20", b"99|21"), "RowCountMismatch"),
            (whole.replace(b"99|20", b"99|"), "RowCountMismatch"), (whole.replace(b"99|20", b"99|" + b"9" * 400), "RowCountMismatch"),
            (whole.replace(b"99|20", b"99|-20"), "RowCountMismatch"), (whole.replace(b"99|20", b"98|20"), "UnknownRecordType")):
        is_refused(server, content, code)


def test_text_in_another_encoding_is_refused_wherever_it_begins(server):
    text = families(300).decode()
    for content in (text.replace("Silva 250", "Jos\xe9").encode("latin-1"), text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-32"),
                    text.encode().replace(b"Silva 299", b"\xed\xa0\x80"), text.encode().replace(b"Silva 0|", b"\xc0\xaf|")):
        shown = outcome(server, content)
        assert shown["Status"] == "failed" and shown["Errors"][0]["ErrorCode"] in ("NotUtf8", "UnknownRecordType", "BadHeader"), shown["Errors"]
    is_refused(server, text.encode().replace(b"Silva 299", b"\xff"), "NotUtf8")
    fine = sync_file(["10|U-1|José 文件 📦|1"])
    assert outcome(server, b"\xef\xbb\xbf" + fine.replace(b"\n", b"\r\n"))["Status"] == "imported"


def test_every_tenth_row_is_wrong(server):
    count = rounds("wrong_rows")
    rows = [f"10|W-{n}|name|{'x' if n % 10 == 0 else n}|" for n in range(1, count + 1)]
    data = server.put(sync_file(rows))
    before = server.memory()
    server.import_file(data, waits=False)
    shown = wait_for("the import", lambda: (now := server.status(data)["File"])["Result"] != "pending" and now, seconds=300)
    assert shown["Status"] == "importedwitherrors", shown["Status"]
    assert shown["Progress"] == {"Total": count, "Processed": count, "Inserted": count - count // 10, "Updated": 0, "Deleted": 0,
                                 "Failed": count // 10, "Percent": 100}
    assert len(shown["Errors"]) == 100
    for nth, error in enumerate(shown["Errors"], 1):
        assert error == {"ErrorCode": "BadValue", "FieldName": "familySize", "Message": "'x' is not an int",
                         "Meta": {"Line": str(10 * nth + 4), "Row": str(10 * nth), "Key": f"W-{10 * nth}"}}, error
    assert server.peak() - before < 128 * MIB


def test_lines_of_ten_mebibytes(server):
    before = server.memory()
    longest = 10 * MIB - len("10|L-1||1\n")
    assert outcome(server, sync_file(["10|L-1|" + "x" * longest + "|1"]))["Status"] in ("imported", "failed")
    shown = is_refused(server, sync_file(["10|L-2|a|1", "10|L-3|" + "x" * (10 * MIB) + "|1"]), "LineTooLong")
    assert shown["Errors"][0]["Meta"]["Line"] == "6"
    is_refused(server, b"x" * (11 * MIB), "LineTooLong")
    is_refused(server, HEAD.encode() + b"10|" + b"|" * (10 * MIB), "LineTooLong")
    is_refused(server, b'{"header":"' + b"x" * (11 * MIB), "LineTooLong", "json")
    pipes = outcome(server, sync_file(["10|P-1" + "|" * MIB, "10|P-2|a|2"]))
    assert pipes["Status"] == "importedwitherrors" and pipes["Errors"][0]["ErrorCode"] == "FieldCount"
    assert server.peak() - before < 300 * MIB


def test_five_hundred_fields_and_no_more(server):
    def wide(count):
        head = HEAD.rsplit("03|", 1)[0] + "03|entityId" + "".join(f"|f{n}" for n in range(1, count)) + "\n"
        return sync_file(["10|C-1" + "|v" * (count - 1)], head)

    assert outcome(server, wide(500))["Status"] == "imported"
    is_refused(server, wide(501), "BadField")
    is_refused(server, wide(20_000), "BadField")
    is_refused(server, sync_file(["10|a"], HEAD.rsplit("02|", 1)[0] + "02|" + "|".join("abcdefghi") + "\n03|" + "|".join("abcdefghi") + "\n"), "BadField")


def test_keys_of_ten_kibibytes_are_keys_and_longer_ones_are_not(server):
    keys = ["K" * (10 * 1024), "K" * (10 * 1024) + "2", "K" * (17 * 1024)]
    shown = outcome(server, sync_file([f"10|{key}|a|1" for key in keys] + [f"90|{keys[1]}"]))
    assert shown["Status"] == "importedwitherrors" and shown["Progress"]["Inserted"] == 2 and shown["Progress"]["Deleted"] == 1
    (error,) = shown["Errors"]
    assert error["ErrorCode"] == "BadValue" and error["FieldName"] == "entityId" and error["Meta"]["Key"] == "K" * 100, error


def test_json_that_is_wrong_or_has_no_end(server):
    whole = json.dumps(rows_in_request([{"entityId": f"N-{n}"} for n in range(10)])["ImportData"]).encode()
    for content, code in ((b"", "EmptyFile"), (b"[]", "InvalidJson"), (b"{}", "BadHeader"), (whole[:-1], "MissingFooter"), (whole[:100], "MissingFooter"),
                          (whole + b"{}", "InvalidJson"), (whole.replace(b'"total": 10', b'"total": 11'), "RowCountMismatch"),
                          (whole.replace(b"N-5", b"\xff"), "NotUtf8"), (b'{"data":' + b"[" * 100_000, "MissingFooter"),
                          (whole.replace(b'"keys": ["entityId"]', b'"keys": []'), "BadField"), (families(3), "InvalidJson")):
        is_refused(server, content, code, "json")
    is_refused(server, b'{"header":' + b"[" * 100_000, "BadHeader", "json")
    deep = outcome(server, whole.replace(b'{"entityId": "N-5"}', b'{"entityId":"N-5","name":' + b"[" * 200 + b"]" * 200 + b"}"), "json")
    assert deep["Status"] == "failed" and deep["Errors"][0]["ErrorCode"] == "InvalidJson", deep["Errors"]
    is_refused(server, whole, "BadHeader")  # as lines


def test_rows_of_every_kind_of_wrong_are_skipped_alone(server):
    rows = ["10|R-1|a|1", "10|R-2|a|x", "10|R-3|a", "10|R-4|a|1|2|3", "10||a|1", "90|", "90|R-9|x", "10|R-5|a|99999999999999999999", "10|R-6|a|1.5",
            "10|R-7|a| 7 |", "10|R-1|b|2"]
    shown = outcome(server, sync_file(rows))
    assert shown["Status"] == "importedwitherrors" and shown["Progress"]["Failed"] == 8, shown
    assert [(error["ErrorCode"], error["Meta"]["Row"]) for error in shown["Errors"]] == [
        ("BadValue", "2"), ("FieldCount", "3"), ("FieldCount", "4"), ("MissingKey", "5"), ("MissingKey", "6"), ("FieldCount", "7"), ("BadValue", "8"),
        ("BadValue", "9")], shown["Errors"]
    assert shown["Progress"]["Inserted"] == 2 and shown["Progress"]["Updated"] == 1, shown["Progress"]


def test_requests_with_rows_that_are_wrong_leave_nothing(server):
    url = "/appfile/file/import/data"
    key = [("x-api-key", server.keys["uploader"])]
    before = len(json.loads(server.cais("ls", "--json").stdout)["files"])
    for body, status in ((b"{", 400), (b'{"ImportData":{"a":' + b"[" * 100_000, 400), (b'{"ImportData":{}', 400), (b'{"ImportData":{"a":"\xff"}}', 400),
                         (b'{"ImportData":{"data":[1,]}}', 400), (b'{"ImportData":{}}' + b" " * 11 * MIB, 413),
                         (b'{"a":"' + b"x" * 70_000 + b'","ImportData":{}}', 413)):
        assert server.ask("POST", url, key, body).status == status, body[:40]
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        assert server.ask("POST", url, [*key, ("Transfer-Encoding", "chunked")], chunk).status == status, body[:40]
    with server.connect() as client:  # cut in the middle
        client.send(b"POST %s HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: 100000\r\n\r\n{\"ImportData\":{" % (
            url.encode(), server.keys["uploader"].encode()))
        client.half_close()
        assert client.answer().status == 400
    assert len(json.loads(server.cais("ls", "--json").stdout)["files"]) == before
    server.cais("fsck")
