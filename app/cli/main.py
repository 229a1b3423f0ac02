"""`eventship-salesforce`: parses the command line, calls one function, turns known faults into one line."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from app.cli.audit import HeadsUnreadable, audit
from app.cli.jobs import FILTERS, ApiRefused, OpsApi, retry_jobs, show_counts, show_jobs
from app.cli.keys import KEY_COMMANDS, keys
from app.cli.migrate import check_migrated, migrate, print_sql_for_dba
from app.cli.restored import Restored, export_erasures, moment, restored
from app.cli.serve import serve
from app.cli.worker_check import check_worker
from app.config.settings import SettingsInvalid, environment_with_files
from app.connections.key_rotation import RowsLocked
from app.infrastructure.encryption import DecryptionFailed
from app.infrastructure.startup_checks import STARTUP_ERRORS
from app.privacy.journal import JournalUnreadable
from app.recovery.restored import TimeImpossible
from devtools.local_stack.console import LOCAL_HOSTS, console_address
from devtools.local_stack.extras import SIMULATOR_MODULE, require_simulator
from devtools.local_stack.secrets import LocalSecrets
from devtools.local_stack.stack import DEFAULT_PORT, DEFAULT_SIMULATOR_PORT, LOOPBACK, STACK_FAULTS, Plan
from devtools.local_stack.up import up
from devtools.local_stack.webhook import ATTENDEE_FLAGS, send_webhook
from devtools.local_stack.webhook_sender import ApiUnreachable
from tools.openapi.command import openapi

PROGRAM = "eventship-salesforce"


class FlagsMissing(Exception):
    """A command needs flags that were not given."""


FAULTS = (
    *STARTUP_ERRORS,
    *STACK_FAULTS,
    ApiRefused,
    ApiUnreachable,
    FlagsMissing,
    HeadsUnreadable,
    RowsLocked,
    TimeImpossible,
    JournalUnreadable,
    DecryptionFailed,
)
CANNOT = 2
SIMULATOR = "simulator"
FILTER_FLAGS = tuple(f"--{name.replace('_', '-')}" for name in FILTERS)

Arguments = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 2 for a fault of the configuration, told in one line (more for a broken part)."""
    chosen = _read(arguments)
    run: Callable[[Arguments], int] = chosen.run
    try:
        return run(chosen)
    except SettingsInvalid as fault:
        print(f"{PROGRAM} {chosen.command}: {'; '.join(str(fault).splitlines())}", file=sys.stderr)
        return CANNOT
    except FAULTS as fault:
        print(f"{PROGRAM} {chosen.command}: {fault}", file=sys.stderr)
        return CANNOT


def _read(arguments: Sequence[str] | None) -> Arguments:
    """What was chosen; the simulator gets what we do not know as options of its own."""
    parser = _parser()
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.command != SIMULATOR:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    chosen.rest = [each for each in rest if each != "--"]
    return chosen


def _up(chosen: Arguments) -> int:
    given = environment_with_files(os.environ)
    return up(Plan(chosen.home, chosen.port, chosen.simulator_port, given=given))


def _api(chosen: Arguments) -> int:
    return serve(chosen.bind, chosen.port)


def _process(module: str) -> Callable[[Arguments], int]:
    def replace_us(chosen: Arguments) -> int:
        # Their own process, in our place: signals and exit codes need no go-between.
        os.execv(sys.executable, [sys.executable, "-m", module, *chosen.rest])  # noqa: S606

    return replace_us


def _simulator(chosen: Arguments) -> int:
    require_simulator()
    return _process(SIMULATOR_MODULE)(chosen)


def _worker(chosen: Arguments) -> int:
    return check_worker() if chosen.check else _process("workers.main")(chosen)


def _token(chosen: Arguments) -> int:
    hosts = dict(chosen.host)
    secrets = LocalSecrets.of(chosen.home)
    print(secrets.token(hosts, scope=" ".join(chosen.scope), user=chosen.user, minutes=chosen.minutes))
    return 0


def _console(chosen: Arguments) -> int:
    hosts = dict(chosen.host) or LOCAL_HOSTS
    url, secrets = _local_url(chosen), LocalSecrets.of(chosen.home)
    print(console_address(url, secrets, hosts=hosts, minutes=chosen.minutes))
    return 0


def _webhook(chosen: Arguments) -> int:
    given = environment_with_files(os.environ).get("WEBHOOK_SECRETS", "")
    newest = re.split(r"[,\n@]", given)[0].strip()
    secret = chosen.secret or newest or LocalSecrets.of(chosen.home).webhook_secret
    return send_webhook(vars(chosen), url=chosen.url or _local_url(chosen), secret=secret)


def _jobs(chosen: Arguments) -> int:
    token = chosen.token or LocalSecrets.of(chosen.home).token({}, scope="ops")
    with OpsApi(chosen.url or _local_url(chosen), token) as api:
        return JOBS[chosen.what](api, chosen)


def _list_jobs(api: OpsApi, chosen: Arguments) -> int:
    filter_ = _filter(chosen)
    if not filter_:
        raise FlagsMissing(f"list needs one of {', '.join(FILTER_FLAGS)}")
    return show_jobs(api, filter_)


def _retry_jobs(api: OpsApi, chosen: Arguments) -> int:
    return retry_jobs(api, _filter(chosen), is_dry_run=not chosen.yes)


def _filter(chosen: Arguments) -> dict[str, str]:
    return {name: value for name in FILTERS if (value := getattr(chosen, name))}


JOBS: dict[str, Callable[[OpsApi, Arguments], int]] = {
    "count": lambda api, _: show_counts(api),
    "list": _list_jobs,
    "retry": _retry_jobs,
}


def _keys(chosen: Arguments) -> int:
    return keys(chosen.what, chosen.kid)


def _audit(chosen: Arguments) -> int:
    return audit(chosen.what, chosen.host_id, chosen.heads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Puts event registrations into Salesforce.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[Arguments], int], text: str, *, helps: bool = True
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, add_help=helps)
        added.set_defaults(run=run)
        return added

    _add_ports(_add_home(command("up", _up, "run everything on this machine until Ctrl-C")))
    _add_api(command("api", _api, "serve the API"))
    worker = command("worker", _worker, "drain orgs until SIGTERM")
    worker.add_argument("--check", action="store_true", help="only look: 1 when this host's worker is silent")
    _add_migrate(command("migrate", _migrate, "bring the database to the newest schema"))
    # Whoever asks it for help gets its own.
    command(SIMULATOR, _simulator, "run a Salesforce org over HTTP", helps=False)
    _add_token(_add_home(command("token", _token, "sign a bearer token with this machine's key")))
    console = _add_ports(
        _add_home(command("console", _console, "print an address of the console that is let in"))
    )
    console.add_argument("--host", action="append", type=_role, default=[], help="HOST=owner|admin|member")
    console.add_argument("--minutes", type=int, default=60)
    _add_webhook(_add_ports(_add_home(command("webhook", _webhook, "send one signed webhook"))))
    _add_jobs(_add_ports(_add_home(command("jobs", _jobs, "count, list or retry jobs"))))
    _add_keys(command("keys", _keys, "make encryption keys, see which are used, change them"))
    _add_audit(command("audit", _audit, "check that nobody changed the audit log"))
    _add_erasures(command("erasures", _erasures, "print who was erased, as keyed hashes"))
    _add_restored(command("restored", _restored, "say that the database is a copy that lacks its last part"))
    _add_openapi(command("openapi", _openapi, "print the API's description, or check its file"))
    return parser


def _openapi(chosen: Arguments) -> int:
    return openapi(is_check=chosen.check, is_write=chosen.write)


def _migrate(chosen: Arguments) -> int:
    return check_migrated() if chosen.check else print_sql_for_dba() if chosen.print_sql else migrate()


def _add_migrate(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="only look: 1 when it is behind")
    how.add_argument(
        "--print-sql-for-dba",
        dest="print_sql",
        action="store_true",
        help="what an administrator runs when our login may not; asks no database",
    )


def _add_home(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    home = Path(os.environ.get("LOCAL_HOME", ".local"))
    parser.add_argument("--home", type=Path, default=home, help="where this machine's state is kept")
    return parser


def _add_ports(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--port", type=_port, default=os.environ.get("PORT", str(DEFAULT_PORT)))
    parser.add_argument(
        "--simulator-port",
        type=_port,
        default=os.environ.get("SIMULATOR_PORT", str(DEFAULT_SIMULATOR_PORT)),
    )
    return parser


def _add_api(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bind", default=os.environ.get("BIND", LOOPBACK), help="address to listen on")
    parser.add_argument("--port", type=_port, default=os.environ.get("PORT", str(DEFAULT_PORT)))


def _add_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", action="append", type=_role, default=[], help="HOST=owner|admin|member")
    parser.add_argument("--scope", action="append", default=[], help="ops, import, platform")
    parser.add_argument("--user", default="local")
    parser.add_argument("--minutes", type=int, default=60)


def _add_webhook(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", help="a JSON body to send as it is; else one is made of the flags below")
    parser.add_argument("--type", default="registration.confirmed")
    parser.add_argument("--host", default="host_acme")
    parser.add_argument("--event", default="evt_summit")
    for flag in ("title", "registration", *ATTENDEE_FLAGS):
        parser.add_argument(f"--{flag.replace('_', '-')}")
    parser.add_argument("--id", help="webhook id; the same id again has no second effect")
    parser.add_argument("--url", help="the API's address, when it is not here")
    parser.add_argument("--secret", help="whsec_…, else the newest of WEBHOOK_SECRETS or this machine's")


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(JOBS))
    for name, flag in zip(FILTERS, FILTER_FLAGS, strict=True):
        parser.add_argument(flag, dest=name)
    parser.add_argument("--yes", action="store_true", help="really retry; without it only counted")
    parser.add_argument("--url", help="the API's address, when it is not here")
    parser.add_argument(
        "--token",
        default=os.environ.get("EVENTSHIP_TOKEN"),
        help="a bearer token with scope ops, when it is not this machine's (EVENTSHIP_TOKEN)",
    )


def _add_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("new", *KEY_COMMANDS))
    parser.add_argument("--kid", default="k1", help="with new: the key's id, another one for each key")


def _add_audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("verify", "heads", "accept"))
    parser.add_argument("--host-id", dest="host_id", help="one host's log; all of them without it")
    parser.add_argument("--heads", help="with verify: a file of `audit heads`, kept since")


def _restored(chosen: Arguments) -> int:
    wish = Restored(chosen.since, timedelta(days=chosen.look_for), chosen.erasures)
    return restored(wish)


def _erasures(chosen: Arguments) -> int:
    return export_erasures(chosen.since)


def _add_erasures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("export",))
    parser.add_argument("--since", type=moment, help="only what was erased since then")


def _add_restored(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", type=moment, required=True, help="up to when it knows all: the beginning of the dump"
    )
    parser.add_argument(
        "--erasures", type=Path, action="append", default=[], metavar="FILE",
        help="a journal of erasures; all of them are done again",
    )  # fmt: skip
    parser.add_argument(
        "--look-for", type=float, default=7.0, metavar="DAYS",
        help="how long creates are looked for first: until the platform has sent all again (7)",
    )  # fmt: skip


def _add_openapi(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="fail when openapi/openapi.json is behind")
    how.add_argument("--write", action="store_true", help="write openapi/openapi.json")


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: PORT and SIMULATOR_PORT take 1 to 65535")
    return int(text)


def _role(text: str) -> tuple[str, str]:
    host, _, role = text.partition("=")
    if role not in ("owner", "admin", "member"):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST=owner, HOST=admin or HOST=member")
    return host, role


def _local_url(chosen: Arguments) -> str:
    return f"http://{LOOPBACK}:{chosen.port}"


if __name__ == "__main__":
    sys.exit(main())
