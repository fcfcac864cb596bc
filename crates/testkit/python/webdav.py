"""WsgiDAV on a free port: arguments are a folder, the user and the password. Ends when standard input does."""

import os
import pathlib
import sys
import threading

from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

folder, user, password = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(folder / "files").mkdir()
app = WsgiDAVApp(
    {
        "provider_mapping": {"/": str(folder / "files")},
        "simple_dc": {"user_mapping": {"*": {user: {"password": password}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        "verbose": 1,
        "logging": {"enable": False},
        "property_manager": True,
        "lock_storage": True,
    }
)
server = wsgi.Server(("127.0.0.1", 0), app)
server.prepare()
port = server.socket.getsockname()[1]
threading.Thread(target=server.serve, daemon=True).start()
print(port, flush=True)
sys.stdin.read()
os._exit(0)
