# SPDX-License-Identifier: Apache-2.0
"""Creates tasks from rows, as the vendor's spreadsheet program does: it reads the fields of the board and their options,
creates a task for each row, and waits after a reply with status 429. Usage: sheet.py ROWS. A row is title TAB option TAB assignee; the
last may be missing.
"""
import datetime
import os
import sys
import time

import requests

API, BOARD = "https://runrun.it/api/v1.0", 593350
SESSION = requests.Session()
SESSION.headers.update({"App-Key": os.environ["APP_KEY"], "User-Token": os.environ["USER_TOKEN"],
                        "Content-Type": "application/json"})


def ask(method, path, **more):
    for _ in range(8):
        answer = SESSION.request(method, API + path, timeout=60, **more)
        if answer.status_code != 429:
            return answer
        reset = datetime.datetime.fromisoformat(answer.headers["RateLimit-Reset"].replace("Z", "+00:00"))
        assert "T" in answer.headers["RateLimit-Reset"] and reset.tzinfo
        wait = (reset - datetime.datetime.now(datetime.timezone.utc)).total_seconds() + 0.25
        print(f"waiting {wait:.0f} s", flush=True)
        time.sleep(max(0, wait))
    return answer


def main():
    fields = ask("GET", f"/boards/{BOARD}/fields", params={"category": "custom"}).json()
    options = {field["id"]: ask("GET", f"/fields/{field['id']}/options").json()
               for field in fields if field["field_type"] in ("single_option", "multiple_options")}
    good = bad = 0
    with open(sys.argv[1], encoding="utf-8") as rows:
        for row in rows:
            title, option, assignee = (row.rstrip("\n") + "\t").split("\t")[:3]
            chosen = {field: {"id": o["id"]} for field, all_of in options.items() for o in all_of if o["label"] == option}
            task = {"title": title, "board_id": BOARD, "desired_date": "2026-11-30", "custom_fields": chosen}
            if assignee:
                task["assignments"] = [{"assignee_id": assignee}]
            answer = ask("POST", "/tasks", json={"task": task})
            reply = answer.json() if answer.status_code in (200, 201) else {}
            if reply.get("id") or reply.get("task", {}).get("id"):
                good += 1
            else:
                bad += 1
    print(f"Done: OK={good} FAIL={bad}")


main()
