"""Where the project is: the folder of `crm.toml`, found without reading it."""

from __future__ import annotations

import os
from pathlib import Path

from crm_lib.errors import ConfigError


def locate() -> Path:
    """The `crm.toml` in force: `CRM_CONFIG` where set, else the nearest one upward from the working folder."""
    named = os.environ.get("CRM_CONFIG", "")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"CRM_CONFIG names {named}, which is not a file.")
        return Path(named).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "crm.toml").is_file():
            return folder / "crm.toml"
    raise ConfigError(f"There is no crm.toml in {here} or above it. Run inside the project, or set CRM_CONFIG.")
