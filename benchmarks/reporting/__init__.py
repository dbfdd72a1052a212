"""Figures as tables and plots."""

from benchmarks.reporting.document import document, with_tables

__all__ = ["document", "with_tables"]
