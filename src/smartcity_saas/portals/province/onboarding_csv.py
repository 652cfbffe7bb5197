"""Many cities from a CSV in two steps: what each row would do, then one press; the page drives it
a few rows at a time, with a progress bar."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.configuration.divisions import divisions
from smartcity_saas.configuration.onboarding_csv import OPTIONAL, REQUIRED
from smartcity_saas.configuration.onboarding_jobs import (
    begin_rollout,
    failed_rows,
    looked,
    rollout,
    step,
)
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.province.blueprint import ROOT, blueprint, shell
from smartcity_saas.web.csv_output import csv_response


@blueprint.page(f"{ROOT}/rollouts", permission="province.change")
def new_rollout(province: str) -> ResponseReturnValue:
    """The form that takes a CSV."""
    return _form(province, [])


@blueprint.page(f"{ROOT}/rollouts", permission="province.change", methods=("POST",))
def start_rollout(province: str) -> ResponseReturnValue:
    """Take a CSV in and go to its progress."""
    upload = request.files.get("file")
    try:
        job = begin_rollout(
            documents(),
            upload.read() if upload else b"",
            (upload.filename if upload else None) or "cities.csv",
            all_or_nothing="all_or_nothing" in request.form,
        )
    except Invalid as error:
        return _form(province, error.problems), 422
    return redirect(f"/provinces/{province}/rollouts/{job.id}")


@blueprint.page(f"{ROOT}/rollouts/<uuid:job_id>", permission="province.change")
def show_rollout(province: str, job_id: uuid.UUID) -> ResponseReturnValue:
    """What each row would do, until it is begun; then how far it has come, and what became
    of each."""
    job = rollout(documents(), job_id)
    rows = [] if job.done else looked(documents(), job)
    return render_template("province/rollout.html", job=job, looked=rows, **shell(province))


@blueprint.page(
    f"{ROOT}/rollouts/<uuid:job_id>/step", permission="province.change", methods=("POST",)
)
def step_rollout(province: str, job_id: uuid.UUID) -> ResponseReturnValue:
    """Do the next rows. The page asks again until all are done; without JavaScript, a button."""
    job = step(documents(), job_id)
    if request.headers.get("HX-Request"):
        return render_template("province/rollout_progress.html", job=job, **shell(province))
    return redirect(f"/provinces/{province}/rollouts/{job_id}")


@blueprint.page(f"{ROOT}/rollouts/template.csv", permission="province.change")
def rollout_template(province: str) -> ResponseReturnValue:
    """A file to fill in: the cities of the official list that are not there yet."""
    shell(province)
    live = {found.name for found in documents().all()}
    columns = (*REQUIRED, "state", "color")
    rows = [
        (one.division_code, one.slug, one.name_zh, one.name_en, one.province_slug, "draft", "")
        for one in divisions()
        if one.province_slug == province and one.slug not in live
    ]
    return csv_response(f"{province}.csv", columns, rows)


@blueprint.page(f"{ROOT}/rollouts/<uuid:job_id>/failed.csv", permission="province.change")
def failed_of_rollout(province: str, job_id: uuid.UUID) -> ResponseReturnValue:
    """The rows that failed, as they were sent, with what is wrong: to correct and send again."""
    rows = failed_rows(documents(), rollout(documents(), job_id))
    columns = list(rows[0][0].values) if rows else list(REQUIRED)
    return csv_response(
        "failed.csv",
        [*columns, "fault"],
        [[*(row.values.get(column, "") for column in columns), fault] for row, fault in rows],
    )


def _form(province: str, problems: list[Any]) -> str:
    return render_template(
        "province/new_rollout.html",
        problems=problems,
        required=REQUIRED,
        optional=OPTIONAL,
        **shell(province),
    )
