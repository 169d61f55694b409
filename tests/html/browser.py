# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium by chromedriver, over the WebDriver protocol (W3C), with the standard library."""
import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for references to elements
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
DRIVER = shutil.which("chromedriver")
KEYS = {"Enter": "\ue007", "Tab": "\ue004", "Down": "\ue015", "Up": "\ue013", "Space": " "}


def is_there():
    return bool(CHROMIUM and DRIVER)


class Browser:
    """`with Browser() as browser:`; everything it says on its console ends up in messages()."""

    def __init__(self, size=(1400, 1000), dark=False):
        self.profile = tempfile.mkdtemp(prefix="whyrst-browser-")
        self.driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True,
                                       stderr=subprocess.DEVNULL)
        for line in self.driver.stdout:
            if found := re.search(r"successfully on port (\d+)", line):
                self.port = int(found.group(1))
                break
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--disable-sync", "--disable-extensions",
                     "--hide-scrollbars", "--force-device-scale-factor=1", f"--user-data-dir={self.profile}",
                     "--window-size={},{}".format(*size)]
        if dark:
            arguments.append("--force-dark-mode")
        wanted = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                  "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments}}
        self.session = ""
        try:
            answer = self.call("POST", "", {"capabilities": {"alwaysMatch": wanted}}, base="/session")
        except BaseException:
            self.stop()
            raise
        self.session = answer["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.stop()

    def stop(self):
        self.driver.terminate()
        self.driver.wait()
        self.driver.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None, base=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, (base or f"/session/{self.session}") + path,
                               json.dumps(body or {}) if method == "POST" else None,
                               {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{path}: {answer['error']}: {answer['message']}")
        return answer

    def open(self, path):
        self.call("POST", "/url", {"url": "file://" + os.path.abspath(path)})

    def run(self, script, *args):
        """What `script`, a function body, returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.call("POST", f"/element/{self.find(css)}/click")

    def type(self, css, text):
        self.call("POST", f"/element/{self.find(css)}/value", {"text": text})

    def press(self, *keys):
        """Keys for whatever has the focus."""
        actions = [{"type": kind, "value": KEYS[key]} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def drag(self, css, start, end):
        """From one point to another, as shares of the element's width, at half its height."""
        box = self.call("GET", f"/element/{self.find(css)}/rect")

        def point(share):  # relative to the middle of the element
            return {"type": "pointerMove", "duration": 0, "x": round((share - 0.5) * box["width"]), "y": 0,
                    "origin": {ELEMENT: self.find(css)}}

        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [
            point(start), {"type": "pointerDown", "button": 0}, point((start + end) / 2), point(end),
            {"type": "pointerUp", "button": 0}]}]})

    def wait(self, script, *args):
        """Until `script` returns something true."""
        return self.call("POST", "/execute/async", {"args": list(args), "script": """
            const done = arguments[arguments.length - 1], rest = [...arguments].slice(0, -1);
            const test = new Function(%s);
            (function again() { const value = test(...rest); value ? done(value) : requestAnimationFrame(again); })();
        """ % json.dumps(script)})

    def messages(self):
        return [entry for entry in self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))

    def print(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("POST", "/print", {"background": True, "page": {
                "width": 21.0, "height": 29.7}, "orientation": "landscape"})))
