"""Many cities from a CSV, with a progress bar; the page drives it a few rows at a time."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request

from smartcity_saas.configuration.rollout import OPTIONAL, REQUIRED
from smartcity_saas.configuration.rollout_jobs import begin_rollout, rollout, step
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.gatekeeper import documents
from smartcity_saas.portals.province.blueprint import ROOT, blueprint, shell


@blueprint.page(f"{ROOT}/rollouts", permission="province.change")
def new_rollout(province: str) -> Any:
    """The form that takes a CSV."""
    return _form(province, [])


@blueprint.page(f"{ROOT}/rollouts", permission="province.change", methods=("POST",))
def start_rollout(province: str) -> Any:
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
def show_rollout(province: str, job_id: uuid.UUID) -> Any:
    """How far it has come, and what became of each row."""
    return render_template(
        "province/rollout.html", job=rollout(documents(), job_id), **shell(province)
    )


@blueprint.page(
    f"{ROOT}/rollouts/<uuid:job_id>/step", permission="province.change", methods=("POST",)
)
def step_rollout(province: str, job_id: uuid.UUID) -> Any:
    """Do the next rows. The page asks again until all are done; without JavaScript, a button."""
    job = step(documents(), job_id)
    if request.headers.get("HX-Request"):
        return render_template("province/rollout_progress.html", job=job, **shell(province))
    return redirect(f"/provinces/{province}/rollouts/{job_id}")


def _form(province: str, problems: list[Any]) -> str:
    return render_template(
        "province/new_rollout.html",
        problems=problems,
        required=REQUIRED,
        optional=OPTIONAL,
        **shell(province),
    )
