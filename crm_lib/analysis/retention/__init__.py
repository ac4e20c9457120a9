"""Retention: who stays, who goes, when a silence means that somebody has gone, and whom to call first."""

from crm_lib.analysis.retention.book import Book, read
from crm_lib.analysis.retention.result import Options, Retention, retention

__all__ = ["Book", "Options", "Retention", "read", "retention"]
