"""The API asked everything that its own description allows, and much that it does not: it never breaks, its answers
are what it says they are, and nobody reads of a child that is not theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from alertd.engine import sweep as sweeping
from alertd.web.app import app
from tests.support.council import Inline
from tests.support.everybody import CANARY, CHILDREN, OTHER, OWN, Everybody, everybody_at

SEES = {"W1": {OWN}, "H1": {OWN, OTHER}, "administrator": set[str]()}
"""In whose names it is asked, and the children they may see."""
RULE = "cla.review.first"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "ProcessPoolExecutor", Inline)
        folder: Path = tmp_path_factory.mktemp("town")
        found = everybody_at(folder, f"sqlite:///{folder / 'alertd.db'}")
        yield found
        found.house.engine.dispose()


@pytest.fixture(scope="module")
def schema(town: Everybody) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app(town.house))


@pytest.mark.parametrize("who", SEES)
def test_whatever_is_asked_is_answered_as_described_and_of_no_child_that_may_not_be_seen(
    town: Everybody, schema: Any, who: str
) -> None:
    headers = {"authorization": f"Bearer {town.secret(who, 'token')}"}
    answered: Counter[int] = Counter()
    hidden = [child for child in CHILDREN if child not in SEES[who]]

    def ask(case: Any, child: str | None) -> None:
        """Ask as it was thought up, or of a child that there is."""
        if child:
            real = {"child": child, "alert": town.alerts[child], "team": CHILDREN[child][1], "rule": RULE}
            case.path_parameters = {part: real.get(part, given) for part, given in case.path_parameters.items()}
        town.council.now += timedelta(seconds=1)
        case.headers = {name: v for name, v in (case.headers or {}).items() if name.lower() != "authorization"}
        answer = case.call(headers=headers)
        answered[answer.status_code] += 1
        if answer.status_code != 404:  # an address that is none: a slash in it, or the end of a line
            case.validate_response(answer, checks=CHECKS)
        asked = f"{case.path_parameters} {case.query}"
        for one in hidden:
            assert not any(word in answer.text for word in CANARY[one].split()), case.as_curl_command()
            assert one not in answer.text or one in asked, case.as_curl_command()

    if SEES[who]:  # what is thought up is rarely all right at once, so that is asked by hand
        say = next(one.ok() for one in schema.get_all_operations() if one.ok().method == "post")
        kind = "snooze" if who == "W1" else "accept"  # what is overdue is for a manager to accept
        said = {"kind": kind, "reason": "the family is away", "until": "2026-12-04"}
        path = {"alert": town.alerts[OWN]}
        ask(say.Case(path_parameters=path, body=said, media_type="application/json"), None)
        assert answered == {201: 1}
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            cases = operation.as_strategy(generation_mode=mode)
            real = st.sampled_from([None, *CHILDREN])
            once = settings(
                max_examples=40 if operation.method == "post" else 12,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            once(given(cases, real)(ask))()
    wanted = {200, 403, 422} if who == "administrator" else {200, 201, 403, 409, 422}
    assert answered.keys() >= wanted - {409}, answered
