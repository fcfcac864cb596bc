"""aiosmtpd on a free port: arguments are a folder, the user and the password. Mail is taken after STARTTLS and a log-in
only, and lies in the folder `mail`, its envelope in the first lines. Ends when standard input does."""

import os
import pathlib
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder, user, password = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
mail = folder / "mail"
mail.mkdir()


class Handler:
    async def handle_DATA(self, server, session, envelope):
        text = envelope.content
        if b"X-Refuse" in text or b"refuse this" in text:
            return "554 5.7.1 not this"
        number = len(list(mail.iterdir()))
        head = f"MAIL {envelope.mail_from}\nRCPT {','.join(envelope.rcpt_tos)}\n"
        (mail / f"{number:03}").write_bytes(head.encode() + text)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    fits = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=fits, handled=True) if fits else AuthResult(success=False, handled=False)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
controller = Controller(
    Handler(),
    hostname="127.0.0.1",
    port=0,
    require_starttls=True,
    tls_context=context,
    auth_required=True,
    authenticator=authenticate,
    enable_SMTPUTF8=True,
)
# Port 0: the controller's own look at its port needs to know which one it became.
import socket

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
controller.port = listener.getsockname()[1]
listener.close()
controller.start()
print(controller.port, flush=True)
sys.stdin.read()
os._exit(0)
