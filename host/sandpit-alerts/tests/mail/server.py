"""A mail server for a test: aiosmtpd, with a login, over TLS from the first byte or by STARTTLS.

Says its port first, then a line of JSON for each mail.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, certificate, key, user, password = sys.argv[1:]


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data.login.decode() if session.auth_data else None,
            "tls": server.transport.get_extra_info("cipher") is not None,
            "data": envelope.content.decode(),
        })
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    is_right = data.login == user.encode() and data.password == password.encode()
    if not is_right:
        # A server may repeat what it was sent.
        text = f"535 5.7.8 {data.password.decode()} is wrong"
        return AuthResult(success=False, handled=False, message=text)
    return AuthResult(success=True, auth_data=data)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    return made


def serve():
    options = {"authenticator": login, "auth_required": True, "hostname": "test"}
    if mode == "implicit":
        return SMTP(Handler(), auth_require_tls=False, **options)
    if mode == "starttls":
        return SMTP(Handler(), tls_context=context(), require_starttls=True, **options)
    # One that has no TLS to offer.
    return SMTP(Handler(), auth_require_tls=False, **options)


async def main():
    loop = asyncio.get_running_loop()
    tls = context() if mode == "implicit" else None
    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls)
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
