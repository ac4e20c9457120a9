"""Every error raised on purpose.

CrmError
├── ConfigError          crm.toml is missing, broken, or names what does not exist      exit 2
│   └── Unreachable      a database does not answer, or ended the connection            exit 2
├── DataContractError    a file, table, column or value breaks the contract             exit 2
├── ParameterError       a notebook parameter or command-line choice is wrong           exit 2
├── NotEnoughData        the data are sound but too few for what was asked              exit 1
├── ReportFailed         a notebook ran and did not become a page                       exit 1
└── Busy                 another run holds what this one needs                          exit 75

A message says what was seen (count, first case), what is needed and what to do.
It quotes values of number and date columns only, and names a customer by id at most.
It is English where it is raised; pages say it in the reader's language (`crm_lib.theme.said`).
"""

import os
import textwrap
import traceback

_WIDTH = 88


class CrmError(Exception):
    """An error meant for the person at the keyboard; `exit_code` is what the command returns."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What JupyterLab shows: the message in a box, for the way through our code helps nobody there.

        A scheduled run keeps the traceback, for the page of whoever keeps the notebook.
        """
        if os.environ.get("CRM_PUBLISH_TO"):
            return traceback.format_exception(self)
        lines = [line for part in str(self).splitlines() for line in textwrap.wrap(part, _WIDTH - 4) or [""]]
        title = _TITLES.get(type(self).__name__, "This can't be done")
        return [
            f"┌─ {title} ".ljust(_WIDTH - 1, "─") + "┐",
            *(f"│ {line:<{_WIDTH - 4}} │" for line in lines),
            f"└{'─' * (_WIDTH - 2)}┘",
        ]


def part(text: str) -> str:
    """Return the text as it is: words that become part of an error's message, marked for the catalogues."""
    return text


def of_table(text: str) -> str:
    """Words of an error for a table that lies in no file but on a server."""
    return text.replace("the file", "the table").replace("two files", "two tables")


class ConfigError(CrmError):
    """`crm.toml` is missing, can't be read, or names something that does not exist."""

    exit_code = 2


class Unreachable(ConfigError):
    """A database does not answer, or ended the connection: it may a second time."""


class DataContractError(CrmError):
    """A file, table, column or value is not what the contract asks for."""

    exit_code = 2


class ParameterError(CrmError):
    """A notebook parameter or a choice on the command line is unknown, ill-typed or out of range."""

    exit_code = 2


class NotEnoughData(CrmError):
    """The data are sound but too few for the question; a page says so in words."""


class ReportFailed(CrmError):
    """A notebook ran and did not become a page."""


class Busy(CrmError):
    """Another run is making the same pages and did not end in time."""

    exit_code = 75


_TITLES = {
    "ConfigError": "crm.toml needs a look",
    "Unreachable": "The database does not answer",
    "DataContractError": "The data are not as agreed",
    "ParameterError": "A choice can't be taken",
    "NotEnoughData": "Too few data for this question",
}
