# SPDX-License-Identifier: Apache-2.0
"""Attaches a file to a new task of Runrun.it, as programs that use requests do. Usage: upload.py current|older FILE

The addresses are literals, as in the vendor's examples. Older programs upload the bytes with curl. Like those programs, this
one ignores the reply of the storage.
"""
import os
import subprocess
import sys

import requests

API = "https://runrun.it/api/v1.0"
CURRENT_STORAGE = "https://gryvnagsfedj.compat.objectstorage.sa-saopaulo-1.oraclecloud.com/runrunit"
OLDER_STORAGE = "https://s3.amazonaws.com/runrunit"
HEADERS = {"app-key": os.environ["APP_KEY"], "user-token": os.environ["USER_TOKEN"], "content-type": "application/json",
           "cache-control": "no-cache"}


def send_current(fields, path):
    names = ["key", "Policy", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"]
    form = {name: fields[name] for name in names}
    form["success_action_status"] = "201"
    with open(path, "rb") as file:
        print(requests.post(CURRENT_STORAGE, data=form, files={"file": file}, timeout=60).text)


def send_older(fields, path):
    name = os.path.basename(path)
    form = [("name", name), ("key", fields["key"]), ("acl", "private"), ("policy", fields["policy"]),
            ("signature", fields["signature"]), ("AWSAccessKeyId", fields["AWSAccessKeyId"]),
            ("content_type", fields["content_type"]), ("filename", name), ("success_action_status", "201")]
    arguments = [x for field, value in form for x in ("-F", f"{field}={value}")]
    subprocess.run(["curl", "-sS", "-X", "POST", *arguments, "-F", f"file=@{path}", OLDER_STORAGE], check=False)


def main():
    generation, path = sys.argv[1:]
    task = {"task": {"title": "A task with a file", "description": "made by upload.py", "board_id": 283180, "project_id": None}}
    task_id = requests.post(f"{API}/tasks", json=task, headers=HEADERS, timeout=60).json()["id"]
    wanted = {"document": {"data_file_name": os.path.basename(path), "data_file_size": os.path.getsize(path),
                           "warning_duplicate": False}}
    ticket = requests.post(f"{API}/documents?task_id={task_id}", json=wanted, headers=HEADERS, timeout=60).json()
    (send_current if generation == "current" else send_older)(ticket["fields"], path)
    query = f"?task_id={task_id}" if generation == "older" else ""
    requests.post(f"{API}/documents/{ticket['id']}/mark_as_uploaded{query}", headers=HEADERS, timeout=60)


main()
