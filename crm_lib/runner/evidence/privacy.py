"""What looks like a phone number, an e-mail address or a secret: found in pages, taken out of logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from crm_lib.theme.words import gettext as _
from crm_lib.theme.words import ngettext, number

HIDDEN = "•••"
_SHORTEST_SECRET = 6
_SECRET_NAME = re.compile(
    # these say it wherever a part of the name ends with them: PGPASSWORD, token_of_crm, API_KEY_2
    r"(?:passw[a-z]*|pass_?phrase|sshpass|secret|token|credential|authorization|(?:access|api|private|secret)_?key)"
    r"s?(?![a-z])"
    # these only as a whole part, some as the last one: not key_column, author, SSH_AUTH_SOCK
    r"|(?<![a-z0-9])(?:(?:pwd|dsn)(?![a-z0-9])|(?:auth|key|pass|pw|ur[il])s?_?\d*$)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_FOLDER = "PWD"  # the one in which the shell stands
# What such a variable may say without being secret: taken out of a page, these would leave holes in its sentences.
_COMMON = re.compile(
    r"admin|anonymous|basic|bearer|default|demo|digest|disabled|enabled|false|kerberos|negotiate|none|null|optional|"
    r"password|prompt|public|required|root|test|true|user",
    re.IGNORECASE,
)

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}", re.UNICODE)
_PHONES = (
    # a Chinese mobile number: bare, which an id may look like, and in its groups or after +86
    re.compile(r"(?<![\w.,+-])1[3-9]\d{9}(?![\w]|[.,]\d)"),
    re.compile(r"(?<![\w.,])(?:\+?86[-\s]?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}|1[3-9]\d[-\s]\d{4}[-\s]\d{4})(?!\w)"),
    # a Chinese landline with its area code
    re.compile(r"(?<![\w.,])0\d{2,3}-\d{7,8}(?!\w)"),
    # international: a plus and at least nine digits, in groups or not
    re.compile(r"(?<![\w.,])\+\d(?:[-\s()]{0,2}\d){8,14}(?!\w)"),
    # North America
    re.compile(r"(?<![\w.,])(?:\(\d{3}\)\s?|\d{3}[-.])\d{3}[-.]\d{4}(?!\w)"),
)
_IDENTITY = re.compile(r"(?<!\w)[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)")
_ADDRESS = re.compile(r"(?<!\w)([a-z][\w+.-]*://[^\s/:@'\"]*:([^\s/@'\"]+)@[^\s'\"]*)", re.IGNORECASE)
_TOKEN = re.compile(r"(?<!\w)sc://[^\s'\"]*?;token=([^\s;'\"]+)")  # in an address of Spark Connect
_SECRETS = (
    re.compile(r"(?<!\w)(?:AKIA|ASIA)[0-9A-Z]{16}(?!\w)"),
    re.compile(r"(?<!\w)(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_)[\w-]{16,}"),
    re.compile(r"(?<!\w)eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(r"(?<!\w)[a-z][\w+.-]*://[^\s/:@'\"]+:[^\s/@'\"]+@"),
    re.compile(r"(?i)\b(?:password|passwd|api[_-]?key|access[_-]?token)\s*[=:]\s*['\"]?[^\s'\"<>]{6,}"),
)


def promises_secret(name: str) -> bool:
    """Whether a parameter or a variable of this name would hold a secret, or an address with one.

    >>> [promises_secret(name) for name in ("DB_PASS", "apiKey", "db_url", "author", "key_column")]
    [True, True, True, False, False]
    """
    return bool(_SECRET_NAME.search(_CAMEL.sub("_", name)))


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What is secret in the environment, the longest first.

    That is: values of variables whose names promise one, and in any variable addresses with a password, the
    passwords in them, and tokens of Spark Connect.
    """
    named = {value.strip() for name, value in environment.items() if promises_secret(name) and name != _FOLDER}
    inside = {
        found
        for value in environment.values()
        for found in (*(one for both in _ADDRESS.findall(value) for one in both), *_TOKEN.findall(value))
    }
    known = named | inside | {unquote(one) for one in inside}
    telling = (value for value in known if len(value) >= _SHORTEST_SECRET and not is_common(value))
    return tuple(sorted(telling, key=lambda value: (-len(value), value)))


def is_common(value: str) -> bool:
    """Whether a value is a word that pages and settings use, so that it tells nothing by standing there."""
    return bool(_COMMON.fullmatch(value))


def problems(
    texts: Sequence[tuple[str, str]], secrets: Iterable[str] = (), phone_like_ids: bool = False
) -> list[str]:
    """What a reader must not see, in words; `texts` are (heading it stands under, text).

    The words say what it looks like, how often and where it stands first, never the thing itself.
    `phone_like_ids` lets bare numbers of eleven digits pass.
    """
    known = [re.compile(re.escape(secret)) for secret in secrets]
    kinds = (
        (_("a phone number"), _PHONES[phone_like_ids:]),
        (_("an e-mail address"), (_EMAIL,)),
        (_("an identity number"), (_IDENTITY,)),
        (_("a secret"), (*_SECRETS, *known)),
    )
    found = []
    for what, patterns in kinds:
        places = [heading for heading, text in texts for _hit in range(_count(text, patterns))]
        if places:
            found.append(_in_words(what, len(places), places[0]))
    return found


def scrub(text: str, secrets: Iterable[str] = (), phone_like_ids: bool = False) -> str:
    """The text with secrets, addresses and phone numbers taken out; `phone_like_ids` as for `problems`.

    >>> scrub("mail jo@example.org, postgresql://jo:pw@db/crm")
    'mail •••, •••db/crm'
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    for pattern in (*_SECRETS, _EMAIL, _IDENTITY, *_PHONES[phone_like_ids:]):
        text = pattern.sub(HIDDEN, text)
    return text


def _count(text: str, patterns: Iterable[re.Pattern[str]]) -> int:
    spans = {match.span() for pattern in patterns for match in pattern.finditer(text)}
    return len({start for start, _end in spans})


def _in_words(what: str, n: int, heading: str) -> str:
    if not heading:
        said = ngettext("it shows what looks like {what}", "it shows what looks like {what}, {n} times", n)
        return said.format(what=what, n=number(n))
    said = ngettext(
        "it shows what looks like {what}, under “{heading}”",
        "it shows what looks like {what}, {n} times, first under “{heading}”",
        n,
    )
    return said.format(what=what, n=number(n), heading=heading)
