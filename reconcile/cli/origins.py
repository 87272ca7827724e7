"""Each setting of a command with the place it comes from: a flag, the environment, `.env`, or the default."""

import os
from pathlib import Path

from reconcile.cli.health import VARIABLE as HEALTH_URL
from reconcile.cli.journaling import KEEP_RUNS
from reconcile.cli.options import DoctorOptions
from reconcile.cli.session import Session
from reconcile.health import Setting
from reconcile.live.drivers import installed_library, reading
from reconcile.live.journal_tables import DEFAULT_PREFIX


def settings_of(options: DoctorOptions, session: Session) -> list[Setting]:
    """Give the settings that commands go by; of a password only whether there is one."""
    target = session.target
    settings = [Setting("target", str(target), target.origin)]
    if not target.is_sqlite:
        is_default = target.tls_mode == "PREFERRED"
        settings += [
            Setting("account", target.url.username or "(none)", "the URL"),
            Setting("password", "set" if target.url.password else "not set", "the URL"),
            Setting("ssl-mode", target.tls_mode, "default" if is_default else "the URL"),
            Setting("ssl-ca", target.tls_ca or "the system's", "the URL" if target.tls_ca else "default"),
        ]
        chosen = reading(target, installed_library())
        settings.append(Setting("driver", f"{chosen.driver} ({chosen.why})", target.driver_origin))
        settings += [Setting(name, "ignored", "the URL") for name in target.ignored]
    state = "default" if options.state == type(options)().state else "--state"
    settings.append(Setting("state", f"{options.state} ({session.state.name})", state))
    journal = Setting("journal", options.journal, "--journal") if options.journal else None
    settings.append(journal or _variable(session, "RECONCILE_JOURNAL", DEFAULT_PREFIX, "journal"))
    settings.append(_variable(session, "RECONCILE_KEEP_RUNS", str(KEEP_RUNS), "keep-runs"))
    health_url = "set" if session.settings.get(HEALTH_URL) else "not set"  # it may hold a token
    settings.append(Setting("health-url", health_url, _origin(session, HEALTH_URL)))
    settings += [_variable(session, name, "not set") for name in ("RECONCILE_ENV", "NODE_ENV")]
    settings += [_secret(session, password.variable) for password in session.state.passwords]
    file = Path.cwd() / ".env"
    return [*settings, Setting(".env", str(file) if file.is_file() else "none in this folder", "default")]


def _variable(session: Session, name: str, default: str, shown: str | None = None) -> Setting:
    value = session.settings.get(name)
    return Setting(shown or name, value or default, _origin(session, name))


def _secret(session: Session, name: str) -> Setting:
    told = "set" if session.settings.get(name) else "not set: made up and shown once"
    return Setting(name, told, _origin(session, name))


def _origin(session: Session, name: str) -> str:
    if not session.settings.get(name):
        return "default"
    return f"{name} in the environment" if os.environ.get(name) else f"{name} in .env"
