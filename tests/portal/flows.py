# SPDX-License-Identifier: Apache-2.0
"""Runs the flows of the portal: programs of Node.js that drive Chromium with playwright-core (harness.mjs)."""

import json
import os
import shutil
import subprocess
import sys
import threading

from s3 import node
from server import Server

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "clients"))  # for ports
PORTAL = os.path.join(os.path.dirname(os.path.dirname(HERE)), "src", "portal")
CHROMIUM = shutil.which("chromium")
PASSWORD = "correct horse 7Kq"
TIMEOUT_S = 600


LANGUAGES = ["en", "pt-BR", "es", "ru"]


def texts(language, *names):
    """Texts of the portal in that language, by name."""
    program = """import { readdirSync } from "node:fs"; const folder = process.argv[1], all = {};
        for (const file of readdirSync(folder)) for (const texts of Object.values(await import(folder + "/" + file))) Object.assign(all, texts);
        console.log(JSON.stringify(all));"""
    done = subprocess.run([node(), "--input-type=module", "-e", program, os.path.join(PORTAL, "web", "texts")], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    return {name: found[name][LANGUAGES.index(language)] for name in names}


def person(server, *options, login=None):
    login = server.user(login, *options)
    server.cais("user", "password", login, text=PASSWORD + "\n")
    return login


def run_flow(name, server, folder, orders=None, **config):
    """Run NAME.mjs, and return what it hands back with the order `done`. orders: functions that it may call, by name."""
    address = "http://%s:%d" % server.address() if isinstance(server, Server) else server
    config = {"url": address, "chromium": CHROMIUM, "profile": os.path.join(str(folder), "profile"), "folder": str(folder),
              "password": PASSWORD, **config}
    env = {**os.environ, "FLOW": json.dumps(config), "HOME": str(folder)}
    with subprocess.Popen([node(), os.path.join(HERE, name + ".mjs")], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as flow:
        errors = []
        reader = threading.Thread(target=lambda: errors.append(flow.stderr.read()))
        reader.start()
        timer = threading.Timer(TIMEOUT_S, flow.kill)
        timer.start()
        try:
            result = answer_orders(flow, orders or {})
        finally:
            timer.cancel()
            flow.kill() if result_is_missing(flow) else None
        status = flow.wait()
        reader.join()
        assert status == 0, f"{name}: exit {status}\n{''.join(errors)[-4000:]}"
        return result


def result_is_missing(flow):
    try:
        flow.wait(30)
        return False
    except subprocess.TimeoutExpired:
        return True


def answer_orders(flow, orders):
    result = None
    for line in flow.stdout:
        asked = json.loads(line)
        if asked["order"] == "done":
            result, reply = asked.get("result"), None
        else:
            reply = orders[asked.pop("order")](**asked)
        try:
            flow.stdin.write(json.dumps(reply) + "\n")
            flow.stdin.flush()
        except BrokenPipeError:
            break
    return result
