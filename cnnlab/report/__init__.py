"""Results → one self-contained HTML page: no network, no other file, light and dark, on paper too."""

from cnnlab.report.page import render_report

__all__ = ["render_report"]
