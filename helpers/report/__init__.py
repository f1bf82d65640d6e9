"""Findings, sentences, figures, tables and pages."""

from helpers.report.report import Report

__all__ = ["Report"]
