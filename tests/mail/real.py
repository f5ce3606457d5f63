"""A mail server on aiosmtpd that prints what it takes: where it listens, then each letter, as one JSON object a line.

real.py plain|starttls|implicit [CERTIFICATE KEY]: the encrypted ones want to be signed in to, by `ada` with `hunter2`.
"""

import asyncio
import base64
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult


class Printer:
    async def handle_DATA(self, server, session, envelope):
        letter = {
            "connection": session.peer[1],
            "encrypted": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            "signed_in": bool(session.authenticated),
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": base64.b64encode(envelope.content).decode(),
        }
        print(json.dumps(letter), flush=True)
        return "250 2.0.0 taken"


def sign_in(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"ada", b"hunter2"), handled=False)


async def main(kind, files):
    options = {"hostname": "real.example.org", "enable_SMTPUTF8": True}
    context = None
    if kind != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
        options |= {"authenticator": sign_in, "auth_required": True}
    if kind == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if kind == "implicit":
        # The library looks for STARTTLS before it lets anybody sign in.
        options |= {"auth_require_tls": False}
    loop = asyncio.get_running_loop()
    implicit = context if kind == "implicit" else None
    server = await loop.create_server(lambda: SMTP(Printer(), loop=loop, **options), "127.0.0.1", 0, ssl=implicit)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


# It warns about what is meant to be so here.
warnings.simplefilter("ignore")
logging.getLogger("mail.log").setLevel(logging.ERROR)
asyncio.run(main(sys.argv[1], sys.argv[2:]))
