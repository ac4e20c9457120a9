"""A real SMTP server (aiosmtpd) that keeps what it is given and refuses what it is told to refuse."""

import asyncio
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

PASSWORDS = (b"hunter2", b"p@ss")


class Clerk:
    """Who decides; `given` is what came in, (encrypted, verb, what) each, `mail` the last text."""

    def __init__(self):
        self.given, self.mail = [], b""
        self.passwords, self.refused, self.never_answers = PASSWORDS, (), False

    def verbs(self):
        return [verb for _encrypted, verb, _what in self.given]

    def _note(self, server, verb, what):
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.given.append((encrypted, verb, what))

    def authenticator(self, server, session, envelope, mechanism, data):
        self._note(server, "AUTH", mechanism)
        told = f"535 5.7.8 wrong password for crm:{data.password.decode()}"
        return AuthResult(success=data.password in self.passwords, handled=False, auth_data=data, message=told)

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        self._note(server, "MAIL", address)
        if self.never_answers:
            await asyncio.Event().wait()
        if address in self.refused:
            return f"550 5.7.1 <{address}> may not send from here"
        envelope.mail_from = address
        return "250 2.1.0 fine"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self._note(server, "RCPT", address)
        if address in self.refused:
            return f"550 5.1.1 <{address}> is unknown here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self._note(server, "DATA", "")
        self.mail = envelope.content
        return "250 2.0.0 taken"


class Office(Controller):
    """Opens on a free port."""

    def factory(self):
        return SMTP(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def serving(context=None, implicit_tls=False):
    """The clerk of a server on this machine, with its port; a context brings TLS, at once or by STARTTLS."""
    clerk = Clerk()
    tls = {"ssl_context": context} if implicit_tls else {"tls_context": context}
    asked = {"authenticator": clerk.authenticator, "auth_require_tls": False, "enable_SMTPUTF8": True}
    office = Office(clerk, "127.0.0.1", 0, ready_timeout=300, **tls, **asked)
    office.start()
    clerk.port = office.port
    try:
        yield clerk
    finally:
        office.stop()
