# SPDX-License-Identifier: Apache-2.0
"""A Chromium that a test drives: pages, clicks, keys, screenshots. It speaks the DevTools protocol over a pair of pipes
(--remote-debugging-pipe), so no port is used; each message is JSON that ends in a NUL. Every wait has a deadline."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium")
TIMEOUT_S = 60


class Chromium:
    """One window. folder: for its profile; it looks up no name but those of `hosts`, which are this machine."""

    def __init__(self, folder, hosts=(), accept_certificate_of=None, language="en"):
        names = ", ".join([*(f"MAP {h} 127.0.0.1" for h in hosts), "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"])
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
                   "--window-size=900,700", f"--lang={language}", f"--accept-lang={language}",
                   f"--host-resolver-rules={names}", f"--user-data-dir={folder}/profile", "--remote-debugging-pipe"]
        if accept_certificate_of:
            options.append(f"--ignore-certificate-errors-spki-list={accept_certificate_of}")
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()

        def use_as_3_and_4():  # the numbers that Chromium expects
            a, b = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(a, 3)
            os.dup2(b, 4)
        self._process = subprocess.Popen([CHROMIUM, *options, "about:blank"], preexec_fn=use_as_3_and_4, close_fds=False,
                                         cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self._seen, self._id, self.events = b"", 0, []
        try:
            target = next(t for t in self._until(self._targets) if t["type"] == "page")
            self._session = self.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True},
                                      of_window=False)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(domain + ".enable")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for descriptor in (self._to, self._from):
            os.close(descriptor)
        self._process.kill()
        self._process.wait()

    # ── the protocol

    def _read(self, end):
        while b"\0" not in self._seen:
            left = end - time.monotonic()
            assert left > 0 and select.select([self._from], [], [], left)[0], "Chromium does not answer"
            data = os.read(self._from, 65536)
            assert data, "Chromium has ended"
            self._seen += data
        message, self._seen = self._seen.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, params=None, of_window=True):
        """Call a method and return its result. Events that come meanwhile are appended to `events`."""
        self._id += 1
        message = {"id": self._id, "method": method, "params": params or {}}
        if of_window:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + TIMEOUT_S
        while True:
            got = self._read(end)
            if got.get("id") == self._id:
                assert "error" not in got, (method, got)
                return got["result"]
            self.events.append(got)

    def _until(self, look):
        end = time.monotonic() + TIMEOUT_S
        while not (found := look()):
            assert time.monotonic() < end, "waited for Chromium"
        return found

    def _targets(self):
        found = self.call("Target.getTargets", of_window=False)["targetInfos"]
        return found if any(t["type"] == "page" for t in found) else None

    # ── what a person does

    def _next_page(self, act):
        """Do something that loads a page, and wait until it is there."""
        del self.events[:]
        act()
        end = time.monotonic() + TIMEOUT_S
        while not self._page_is_there():
            self.events.append(self._read(end))

    def _page_is_there(self):
        navigated = [i for i, e in enumerate(self.events)
                     if e.get("method") == "Page.frameNavigated" and "parentId" not in e["params"]["frame"]]
        return navigated and any(e.get("method") == "Page.loadEventFired" for e in self.events[navigated[0]:])

    def visit(self, address):
        self._next_page(lambda: self.call("Page.navigate", {"url": address}))

    def evaluate(self, script):
        """The value of an expression in the page. (The policy of a page does not bind the debugger.)"""
        got = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def type(self, field, text):
        """Set the focus to the field with this name, and type."""
        assert self.evaluate(f"(document.querySelector('[name={field}]').focus(), document.activeElement.name)") == field
        self.call("Input.insertText", {"text": text})

    def press_enter(self):
        """In a form: send it. Waits for the next page."""
        key = {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}
        self._next_page(lambda: [self.call("Input.dispatchKeyEvent", {"type": kind, **key}) for kind in ("keyDown", "keyUp")])

    def click(self, selector):
        """Click on an element that leads to another page. Waits for that page."""
        x, y = self.evaluate(f"(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector({json.dumps(selector)})"
                             ".getBoundingClientRect())")
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self._next_page(lambda: [self.call("Input.dispatchMouseEvent", {"type": kind, **at}) for kind in ("mousePressed", "mouseReleased")])

    def text(self):
        return self.evaluate("document.body.innerText")

    def path(self):
        return self.evaluate("location.pathname + location.search")

    def cookies(self):
        return {c["name"]: c for c in self.call("Storage.getCookies", of_window=False)["cookies"]}

    def complaints(self):
        """What the page was refused, by its policy for example, and errors of the console."""
        return [e for e in self.events if e.get("method") == "Log.entryAdded" and e["params"]["entry"]["level"] == "error"]

    def screenshot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"]))
