"""The tables of errors and findings in docs/connecting.md."""

from collections.abc import Callable, Iterable
from typing import Final

from app.connections.oauth.error_mapping import ADVICE_BY_API_CODE, ADVICE_BY_ERROR
from app.connections.tokens.connection_state import REASONS
from app.user_messages.catalog import ADVICE, FINDINGS, OWN_APP_ADVICE, codes_of
from app.user_messages.rows import Advice
from tools.generated_docs.markdown import plain, table


def _redirect_errors() -> str:
    lines = [
        (_error(error, words), *_what_to_do(ADVICE[code]), _own(code))
        for error, words, code in ADVICE_BY_ERROR
    ]
    lines += [(f"`{code}`", *_what_to_do(ADVICE[advice]), "") for code, advice in ADVICE_BY_API_CODE.items()]
    return table(("Salesforce says", "which means", "what to do", "with your own app"), lines)


def _never_back() -> str:
    lines = [(*_what_to_do(ADVICE[code]), _own(code)) for code in codes_of("hint")]
    return table(("what you saw", "what to do", "with your own app"), lines)


def _ends() -> str:
    lines = [
        (_error(error, words), f"`{code}`" if code else "passes by itself", *_reason(code))
        for error, words, code in REASONS
    ]
    return table(("a refresh answers", "the card's reason", "which means", "what to do"), lines)


def _reasons() -> str:
    return _advice_table(codes_of("reason"))


def _attempts() -> str:
    return _advice_table(codes_of("attempt", "warning"))


def _own_app() -> str:
    return _advice_table(codes_of("own_app"))


def _findings() -> str:
    lines = [
        (f"`{row.code}`", row.severity, plain(row.title), plain(row.consequence), _steps(row.steps))
        for row in FINDINGS.values()
    ]
    return table(("finding", "severity", "title", "what will happen", "what to do"), lines)


def _advice_table(codes: Iterable[str]) -> str:
    lines = [(f"`{code}`", ADVICE[code].explanation, *_what_to_do(ADVICE[code])) for code in codes]
    return table(("code", "what happened", "as people read it", "what to do"), lines)


def _reason(code: str | None) -> tuple[str, str]:
    return _what_to_do(ADVICE[code]) if code else ("Salesforce asks for patience.", "Nothing.")


def _own(code: str) -> str:
    own = OWN_APP_ADVICE.get(code)
    return _steps(ADVICE[own].steps) if own else "the same"


def _error(error: str, words: str) -> str:
    return f"`{error}`" + (f" with “{words}”" if words else "")


def _what_to_do(advice: Advice) -> tuple[str, str]:
    return advice.title, _steps(advice.steps)


def _steps(steps: Iterable[str]) -> str:
    return " ".join(steps)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "errors that come back": _redirect_errors,
    "errors that never come back": _never_back,
    "ends": _ends,
    "reasons": _reasons,
    "attempts": _attempts,
    "own app": _own_app,
    "findings": _findings,
}
