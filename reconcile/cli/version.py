"""Which version of the tool this is."""

from importlib.metadata import version

TOOL_VERSION = version("terp-reconcile")
