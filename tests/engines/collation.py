"""PostgreSQL as most people have it: ordering text as an English dictionary does, not by code points."""

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

NAME = "en_US.UTF-8"
SOURCES = Path("/usr/share/i18n/locales/en_US")  # Debian's package `locales`


@contextmanager
def english(folder):
    """For the processes started inside: the locale en_US, made in `folder`; nothing where it can't be made."""
    if not (SOURCES.is_file() and shutil.which("localedef")):
        yield
        return
    made = folder / NAME
    command = ["localedef", "--no-archive", "-i", "en_US", "-f", "UTF-8", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", str(folder))
        patch.setenv("LC_ALL", NAME)
        yield


def orders_as_a_dictionary(con):
    """Whether this database puts small letters beside large ones."""
    return con.execute("SELECT 'a' < 'B'").fetchone()[0]
