"""Themes: the kinds of business that events and tasks are about."""

RECEIVABLE, PAYABLE, CLIENT, DELIVERY, INTAKE = "receivable", "payable", "client", "delivery", "intake"
PHOTOGRAPHY, SAMPLES, VENDOR, COMPLIANCE, QUOTE = "photography", "samples", "vendor", "compliance", "quote"
THEMES = (RECEIVABLE, PAYABLE, CLIENT, DELIVERY, INTAKE, PHOTOGRAPHY, SAMPLES, VENDOR, COMPLIANCE, QUOTE)
"""The order in which themes take turns."""
