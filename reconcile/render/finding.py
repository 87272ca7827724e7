"""A finding as text: what a command tells before it is known whether there is a plan to show. Imports no library."""

from reconcile.errors import Finding


def render_finding(finding: Finding) -> str:
    """Give a finding's four parts on four lines."""
    return f"{finding.what}\n  where: {finding.where}\n  why:   {finding.why}\n  fix:   {finding.fix}"
