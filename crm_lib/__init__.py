"""Everything the CRM notebooks call: sources, contract, analysis, show, theme and runner."""

__version__ = "0.1.0"
