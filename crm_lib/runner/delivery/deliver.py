"""Tells whom crm.toml names that a run has ended: a mail as a file, the same mail sent, and a command."""

from __future__ import annotations

import os
import shlex
import smtplib
import ssl
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from crm_lib.contract.reporting import Delivery, Reporting
from crm_lib.runner.delivery import letter
from crm_lib.runner.evidence import privacy, states, verdict
from crm_lib.runner.store import archive
from crm_lib.theme import words
from crm_lib.theme.words import gettext as _

SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MAIL_S, _COMMAND_S = 60, 600


@dataclass(frozen=True)
class Delivered:
    """What became of a delivery: the mail as a file, to how many it was sent, and what went wrong, in words."""

    mail: Path
    n_sent: int = 0
    problems: tuple[str, ...] = ()


def run(folder: Path, reporting: Reporting, environment: Mapping[str, str] = os.environ) -> Delivered:
    """Tell of the newest run of a dated folder; a delivery that fails is a problem in words, never an error.

    Writes `runs/<start>.eml`, sends it when `[deliver] to` names somebody, then runs `on_done`.
    """
    record = archive.records(folder)[-1]
    mail = letter.of_run(folder, record, reporting)
    path = letter.write(mail, folder, record["start"])
    problems, n_sent = [], 0
    if reporting.deliver.to:
        with words.speaking():  # the command line speaks English
            said = _kept_back(mail, reporting, environment)
            n_sent, said = (0, said) if said else _mailed(mail, reporting.deliver, environment)
        problems += [said] if said else []
    if reporting.deliver.on_done:
        done = facts(folder, record, path)
        with words.speaking():
            said = _told(reporting.deliver, done, environment)
        problems += [said] if said else []
    return Delivered(path, n_sent, tuple(problems))


def facts(folder: Path, record: Mapping[str, Any], mail: Path) -> dict[str, str]:
    """The facts of a run, as the command of `on_done` finds them in its environment."""
    counts = states.count({report["topic"]: report for report in record["reports"]})
    bad = [report["topic"] for report in record["reports"] if report["state"] not in verdict.GOOD]
    return {
        "CRM_DONE_SOURCE": record["source"],
        "CRM_DONE_TITLE": record["source_title"],
        "CRM_DONE_AS_OF": record["as_of"],
        "CRM_DONE_LABEL": record["label"],
        "CRM_DONE_STATE": states.worst(counts),
        "CRM_DONE_HEADLINE": states.headline(counts),
        "CRM_DONE_FAILED": " ".join(bad),
        "CRM_DONE_FOLDER": str(folder.resolve()),
        "CRM_DONE_INDEX": str((folder / archive.index_in(folder, record["language"])).resolve()),
        "CRM_DONE_RECORD": str((folder / "runs" / f"{record['start']}.json").resolve()),
        "CRM_DONE_MAIL": str(mail.resolve()),
    }


def _kept_back(mail: EmailMessage, reporting: Reporting, environment: Mapping[str, str]) -> str:
    """Why a mail must not go: what its body shows that no reader should see; whom to ask may be an address."""
    body = mail.get_body(("plain",))
    text = "" if body is None else body.get_content().replace(reporting.contact or "\0", "")
    found = privacy.problems([("", text)], privacy.secrets_of(environment), reporting.phone_like_ids)
    return _("No mail was sent: {what}").format(what="; ".join(found)) if found else ""


def _mailed(mail: EmailMessage, delivery: Delivery, environment: Mapping[str, str]) -> tuple[int, str]:
    """Send the mail: to how many, and what went wrong, without password or address of the server."""
    url = environment.get(delivery.smtp_env, "")
    if not url:
        said = _("No mail was sent: the environment variable {name} is not set.")
        return 0, said.format(name=delivery.smtp_env)
    secrets = privacy.secrets_of(environment)
    try:
        refused = send(mail, url)
    except ssl.SSLCertVerificationError as error:
        untrusted = _(
            "No mail was sent: the server's certificate is not trusted ({why}). Where a company vouches for its "
            "own servers, name the file with its certificate in the environment variable SSL_CERT_FILE."
        )
        return 0, untrusted.format(why=error.verify_message.rstrip("."))
    except (OSError, smtplib.SMTPException, ValueError) as error:
        what = privacy.scrub(_answer(error), secrets)
        return 0, _("No mail was sent: {what}").format(what=what.replace(url, privacy.HIDDEN))
    if not refused:
        return len(delivery.to), ""
    some = _("The mail went out, but the server refused {n} of {of} recipients: {what}")
    what = privacy.scrub(_answer(smtplib.SMTPRecipientsRefused(refused)), secrets)
    return len(delivery.to) - len(refused), some.format(n=len(refused), of=len(delivery.to), what=what)


def _answer(error: Exception) -> str:
    """What the server answered, the number first; of several recipients the first answer."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, error.smtp_error
    else:
        return str(error) or type(error).__name__
    return f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"


def send(mail: EmailMessage, url: str) -> dict[str, tuple[int, bytes]]:
    """Send a mail through the server of an URL: `smtp://`, `smtp+starttls://` or `smtps://user:password@host:port`.

    A password goes over an encrypted line or to this machine itself, else nowhere. The recipients that the server
    refused come back with its answers; an error where it refused all.
    """
    server = urlsplit(url)
    if server.scheme not in SCHEMES or not server.hostname:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(_("the server's URL must begin with one of {known} and name a host").format(known=known))
    port = server.port or SCHEMES[server.scheme]
    with closing(_connected(server, port)) as line:
        line.ehlo()
        encrypted = server.scheme == "smtps"
        if server.scheme != "smtps" and (server.scheme == "smtp+starttls" or line.has_extn("starttls")):
            line.starttls(context=ssl.create_default_context())
            line.ehlo()
            encrypted = True
        if server.username:
            if not encrypted and server.hostname not in _LOOPBACK:
                raise ValueError(_("the server takes no encrypted line, so that the password was kept back"))
            line.login(unquote(server.username), unquote(server.password or ""))
        refused = line.send_message(mail)
        line.quit()
    return refused


def _connected(server: SplitResult, port: int) -> smtplib.SMTP:
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(server.hostname, port, timeout=_MAIL_S, context=ssl.create_default_context())
    return smtplib.SMTP(server.hostname, port, timeout=_MAIL_S)


def _told(delivery: Delivery, known: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Run the command; empty when it ended with 0, else what it said last."""
    command = list(delivery.on_done)
    given = {name: value for name, value in environment.items() if name != delivery.smtp_env}
    try:
        done = subprocess.run(
            command,
            env={**given, **known},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_COMMAND_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        failed = _("The command {command} could not be run ({error}).")
        return failed.format(command=shlex.quote(command[0]), error=type(error).__name__)
    if done.returncode == 0:
        return ""
    last = done.stdout.decode("utf-8", "replace").strip().rpartition("\n")[2]
    last = privacy.scrub(last, privacy.secrets_of(environment))[:300]
    ended = _("The command {command} ended with {code}: {last}")
    return ended.format(command=shlex.quote(command[0]), code=done.returncode, last=last)
