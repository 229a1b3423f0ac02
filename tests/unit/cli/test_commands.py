"""The command line: what it prints, what it exits with, and that faults are one line."""

import base64
import json
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from app.cli import main
from app.cli.jobs import ApiRefused, OpsApi, retry_jobs, show_counts, show_jobs
from app.config.encryption_key import parse_key
from app.config.settings import Settings
from devtools.local_stack.secrets import LocalSecrets
from devtools.local_stack.webhook import payload_of

ROW: Mapping[str, Any] = {
    "host_id": "h",
    "registration_id": "reg_1",
    "state": "failed",
    "waiting_for": None,
    "error_code": "REQUIRED_FIELD_MISSING",
    "attempts": 2,
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*Settings.model_fields, "port", "simulator_port", "local_home"]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def output(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip()


def test_keys_new_prints_a_key_that_the_vault_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["keys", "new", "--kid", "k7"]) == 0
    kid, key = parse_key(output(capsys))
    assert (kid, len(key)) == ("k7", 32)


def test_a_token_names_hosts_and_scopes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["token", "--host", "acme=owner", "--host", "b=member", "--scope", "ops", "--user", "u"]
    assert main.main(arguments) == 0
    keys = KeySet.import_key_set(json.loads((tmp_path / ".local" / "jwks.json").read_text()))
    claims = jwt.decode(output(capsys), keys, algorithms=["ES256"]).claims
    assert claims["hosts"] == {"acme": "owner", "b": "member"}
    assert (claims["sub"], claims["scope"], claims["aud"]) == ("u", "ops", "eventship-salesforce")


@pytest.mark.parametrize("given", ["acme", "acme=king", "acme="])
def test_a_role_that_does_not_exist_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["token", "--host", given])
    assert ended.value.code == 2
    assert "HOST=owner" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_an_impossible_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["up", f"--port={port}"])
    assert ended.value.code == 2
    assert "PORT" in capsys.readouterr().err


def test_an_impossible_port_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "otter")
    with pytest.raises(SystemExit):
        main.main(["api"])


@pytest.mark.parametrize(
    ("command", "environment", "line"),
    [
        pytest.param("migrate", {}, "DATABASE_URL is not set", id="nothing-set"),
        pytest.param(
            "migrate", {"DATABASE_URL": "mysql://x"}, "must look like postgresql://", id="malformed"
        ),
        pytest.param(
            "migrate", {"DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}, "Postgres cannot be used", id="away"
        ),
        pytest.param("api", {}, "WEBHOOK_SECRETS is not set", id="api-without-settings"),
    ],
)
def test_bad_configuration_is_one_line_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    environment: Mapping[str, str],
    line: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main.main([command]) == 2
    (only,) = capsys.readouterr().err.splitlines()
    assert only.startswith(f"eventship-salesforce {command}: ")
    assert line in only


def test_a_taken_port_names_the_variable_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        assert main.main(["up", "--port", str(squatter.getsockname()[1])]) == 2
    (only,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert "set PORT to a free port" in only


def test_the_openapi_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["openapi"]) == 0
    document = json.loads(output(capsys))
    assert "/webhooks/eventship" in document["paths"]


def test_a_webhook_of_flags_is_a_genuine_confirmation() -> None:
    flags = dict.fromkeys(
        ("title", "registration", "email", "first_name", "last_name", "name", "company", "job_title", "phone")
    )
    body = payload_of(
        flags | {"type": "registration.confirmed", "host": "h", "event": "e", "email": "olli@otter.example"}
    )
    assert (body["type"], body["data"]["host"], body["data"]["event"]["id"]) == (
        "registration.confirmed",
        {"id": "h"},
        "e",
    )
    assert body["data"]["registration"]["attendee"] == {"email": "olli@otter.example"}
    assert "checked_in_at" not in body["data"]["registration"]


def test_a_webhook_of_flags_leaves_a_known_event_as_it_is() -> None:
    flags = dict.fromkeys(
        ("title", "registration", "email", "first_name", "last_name", "name", "company", "job_title", "phone")
    ) | {"type": "registration.confirmed", "host": "h", "event": "e"}
    assert payload_of(flags)["data"]["event"] == {"id": "e", "title": "e", "version": 0}
    assert payload_of(flags | {"title": "Summit"})["data"]["event"] == {"id": "e", "title": "Summit"}


def test_a_check_in_of_flags_carries_its_time() -> None:
    flags = dict.fromkeys(
        ("title", "registration", "email", "first_name", "last_name", "name", "company", "job_title", "phone")
    )
    body = payload_of(flags | {"type": "registration.checked_in", "host": "h", "event": "e"})
    assert body["data"]["registration"]["checked_in_at"] == body["timestamp"]


def test_a_webhook_nobody_listens_to_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["webhook", "--url", "http://127.0.0.1:1", "--email", "a@b.example"]) == 2
    (only,) = capsys.readouterr().err.splitlines()
    assert "http://127.0.0.1:1 does not answer" in only


def test_local_secrets_are_made_once_and_for_us_alone(tmp_path: Path) -> None:
    first, again = LocalSecrets.of(tmp_path), LocalSecrets.of(tmp_path)
    assert (first.webhook_secret, first.encryption_key) == (again.webhook_secret, again.encryption_key)
    assert first.signing_key.as_dict() == again.signing_key.as_dict()
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len(base64.b64decode(first.webhook_secret.removeprefix("whsec_"))) == 32


def test_the_public_keys_hold_nothing_private(tmp_path: Path) -> None:
    (key,) = json.loads(LocalSecrets.of(tmp_path).jwks_file.read_text())["keys"]
    assert "d" not in key


class Api:
    """Answers the operations calls that the command line makes, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0)


def ops(api: Api) -> OpsApi:
    return OpsApi("http://api.test", "token-of-an-otter", transport=httpx.MockTransport(api))


def test_jobs_count_prints_the_overview(capsys: pytest.CaptureFixture[str]) -> None:
    api = Api(httpx.Response(200, json={"backlog": {"pending": 3}}))
    assert show_counts(ops(api)) == 0
    assert json.loads(output(capsys)) == {"backlog": {"pending": 3}}
    assert api.requests[0].headers["authorization"] == "Bearer token-of-an-otter"


def test_jobs_list_follows_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    api = Api(
        httpx.Response(200, json={"items": [ROW], "next_cursor": "c1"}),
        httpx.Response(200, json={"items": [{**ROW, "registration_id": "reg_2"}], "next_cursor": None}),
    )
    assert show_jobs(ops(api), {"host_id": "h", "state": "failed"}) == 0
    printed = output(capsys)
    header, first, _ = printed.splitlines()
    assert first.index("reg_1") == header.index("registration")
    assert all(text in printed for text in ("reg_1", "reg_2", "REQUIRED_FIELD_MISSING"))
    assert [request.url.params.get("cursor") for request in api.requests] == [None, "c1"]
    # With the scope `ops` alone: a token of a host, or of all hosts, is not needed.
    assert {request.url.path for request in api.requests} == {"/ops/jobs"}
    assert dict(api.requests[0].url.params) == {"host_id": "h", "state": "failed", "limit": "200"}


@pytest.mark.parametrize(
    ("is_dry_run", "printed"),
    [
        pytest.param(True, "3 matched, 2 would be queued (add --yes)", id="dry"),
        pytest.param(False, "3 matched, 2 queued", id="real"),
    ],
)
def test_jobs_retry_says_what_it_did(
    capsys: pytest.CaptureFixture[str], is_dry_run: bool, printed: str
) -> None:
    api = Api(httpx.Response(200, json={"matched": 3, "queued": 2}))
    assert retry_jobs(ops(api), {"error_code": "X"}, is_dry_run=is_dry_run) == 0
    assert output(capsys) == printed
    assert json.loads(api.requests[0].content) == {"filter": {"error_code": "X"}, "dry_run": is_dry_run}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(
            httpx.Response(403, json={"code": "RoleInsufficient"}), "RoleInsufficient", id="problem"
        ),
        pytest.param(httpx.Response(502, text="<html>"), "Bad Gateway", id="not-json"),
    ],
)
def test_a_refusal_of_the_api_names_its_code(answer: httpx.Response, reason: str) -> None:
    with pytest.raises(ApiRefused, match=reason):
        show_counts(ops(Api(answer)))


def test_jobs_without_an_api_say_where_they_looked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["jobs", "count", "--url", "http://127.0.0.1:1"]) == 2
    assert "http://127.0.0.1:1 does not answer" in capsys.readouterr().err


def test_jobs_list_needs_a_filter(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["jobs", "list", "--url", "http://127.0.0.1:1"]) == 2
    assert "--host-id, --org-id" in capsys.readouterr().err


@pytest.mark.parametrize("separator", [[], ["--"]])
def test_the_simulator_gets_its_own_options(monkeypatch: pytest.MonkeyPatch, separator: list[str]) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, words: started.append(words[1:]))
    main.main(["simulator", *separator, "--host", "0.0.0.0", "--port", "8100", "--help"])
    assert started == [["-m", "salesforce_simulator", "--host", "0.0.0.0", "--port", "8100", "--help"]]


def test_other_commands_refuse_unknown_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["worker", "--otter"])
    assert "unrecognized arguments: --otter" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["token", "console", "webhook", "up", "jobs count"])
def test_without_a_place_for_local_state_a_command_says_so_in_one_line(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no directory")
    assert main.main([*command.split(), "--home", str(tmp_path / "file" / "home")]) == 2
    (only,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert "set LOCAL_HOME or --home" in only


def test_with_secrets_given_nothing_local_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRETS", f"whsec_{base64.b64encode(bytes(32)).decode()}@2030-01-01,whsec_x")
    monkeypatch.setenv("EVENTSHIP_TOKEN", "token-of-an-otter")
    for command in ("webhook", "jobs count"):
        assert main.main([*command.split(), "--url", "http://127.0.0.1:1"]) == 2
        assert "http://127.0.0.1:1 does not answer" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_api_s_description_is_compared_where_its_file_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tools.openapi.command.DOCUMENT", tmp_path / "openapi.json")
    assert main.main(["openapi", "--check"]) == 1
    assert "needs the whole source tree" in capsys.readouterr().err
