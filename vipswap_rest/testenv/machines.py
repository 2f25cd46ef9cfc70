"""What the machines of the test environment run: a web server of a few lines, started by cloud-init.

Nothing is installed, so that a machine needs no way out to the internet: Ubuntu has Python.
"""

from __future__ import annotations

import base64
import json

PORT = 9000
# Filled in by cloud-init on the machine: its name, and the version of the image that it was made of.
# https://cloudinit.readthedocs.io/en/latest/explanation/instancedata.html
BY_INSTANCE = "{{ v1.local_hostname }} {{ ds.meta_data.imds.compute.sku }}"
_SCRIPT = """\
#!/usr/bin/python3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = open("/srv/vipswap/who", "rb").read()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", PORT), Handler).serve_forever()
"""
_UNIT = """\
[Unit]
Description=Says which machine answers
After=network.target

[Service]
ExecStart=/usr/bin/python3 /srv/vipswap/serve.py
DynamicUser=yes
Restart=always

[Install]
WantedBy=multi-user.target
"""


def custom_data(who: str) -> str:
    """The customData of machines that answer with `who` on port 9000: cloud-config as JSON, in base64."""
    config = {
        "write_files": [
            {"path": "/srv/vipswap/who", "content": who},
            {"path": "/srv/vipswap/serve.py", "content": _SCRIPT.replace("PORT", str(PORT))},
            {"path": "/etc/systemd/system/vipswap.service", "content": _UNIT},
        ],
        "runcmd": [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "vipswap.service"]],
    }
    text = f"## template: jinja\n#cloud-config\n{json.dumps(config, indent=1)}\n"
    return base64.b64encode(text.encode()).decode()
