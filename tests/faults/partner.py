"""A partner in a process of its own, which can be killed and started again: `python partner.py PORT FILE SECRET_FILE`.

It appends one line to FILE, and has it on the disk, before it answers a webhook: `<webhook-id> <type> <verified>`.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from standardwebhooks import Webhook

FILE, SECRET = Path(sys.argv[2]), Path(sys.argv[3])
LOCK = Lock()


class Partner(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        verified = True
        try:
            Webhook(SECRET.read_text()).verify(body, dict(self.headers.items()))
        except Exception:  # noqa: BLE001  whatever is wrong with it, it is not believed
            verified = False
        line = f"{self.headers['webhook-id']} {json.loads(body)['type']} {verified}\n"
        with LOCK, FILE.open("a") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.send_response_only(204)
        self.end_headers()


ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Partner).serve_forever()
