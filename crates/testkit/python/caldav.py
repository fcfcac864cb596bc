"""Radicale on a free port: arguments are a folder, the user and the password. Ends when standard input does."""

import os
import pathlib
import sys
import threading
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from radicale import Application, config

folder, user, password = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(folder / "users").write_text(f"{user}:{password}\n", encoding="utf-8")
settings = config.load()
settings.update(
    {
        "auth": {
            "type": "htpasswd",
            "htpasswd_filename": str(folder / "users"),
            "htpasswd_encryption": "plain",
            "delay": "0",
        },
        "storage": {"filesystem_folder": str(folder / "collections")},
        "encoding": {"request": "utf-8"},
    },
    "test",
)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *arguments):
        pass


server = make_server("127.0.0.1", 0, Application(settings), WSGIServer, Quiet)
port = server.server_address[1]
threading.Thread(target=server.serve_forever, daemon=True).start()


def make(path, name, component):
    body = (
        '<?xml version="1.0"?><C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>'
        f"<displayname>{name}</displayname><C:supported-calendar-component-set>"
        f'<C:comp name="{component}"/></C:supported-calendar-component-set></prop></set></C:mkcalendar>'
    )
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body.encode(), method="MKCALENDAR")
    import base64

    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    request.add_header("Authorization", f"Basic {token}")
    request.add_header("Content-Type", "application/xml")
    urllib.request.urlopen(request).read()


make(f"/{user}/talks/", "Talks", "VEVENT")
make(f"/{user}/tasks/", "Tasks", "VTODO")
print(port, flush=True)
sys.stdin.read()
os._exit(0)
