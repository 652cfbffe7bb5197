"""Making files live: pictures into their cities' rows, documents into revisions, all or none."""

from __future__ import annotations

from smartcity_saas.configuration.document_files import sha256
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.file_plan import KEEP, SAME, Plan
from smartcity_saas.configuration.revisions import RevisionView
from smartcity_saas.configuration.validation import refuse
from smartcity_saas.database import transaction
from smartcity_saas.errors import Invalid
from smartcity_saas.images.logos import picture_problems, sanitised
from smartcity_saas.tenancy.assets import find_asset, store_asset
from smartcity_saas.tenancy.context import tenant_context


def is_picture_at(city_id: int, address: str, data: bytes) -> bool:
    """Whether some bytes are the picture that a city keeps at an address: as it was uploaded,
    as it is kept, or anything that is cleaned to the same."""
    if sha256(data) == address:
        return True
    with tenant_context(city_id):
        asset = find_asset(address)
        kept = asset.content if asset is not None else None
    if kept is None or kept == data:
        return kept == data
    try:
        return sanitised(data).content == kept
    except Invalid:
        return False


def apply_plan(documents: Documents, plan: Plan, message: str) -> list[RevisionView]:
    """Make what a plan found pending.

    Pictures are stored first, each in its own city: an address without a document harms
    nothing, a document without its picture would.

    Raises:
        Invalid: Something is wrong; nothing was stored.
        StaleEdit: Someone has saved since the plan was made; nothing was stored.
    """
    refuse([*plan.problems, *picture_problems(step.file for step in plan.steps)])
    pending = [step for step in plan.steps if step.pending and step.candidate is not None]
    for step in pending:
        if step.candidate is not None and (new := step.file.new_pictures):
            with tenant_context(documents.reserve(step.candidate)):
                for data in new:
                    store_asset(data, documents.now)
    with transaction():
        made = documents.save_all(
            [step.candidate for step in pending if step.candidate is not None],
            {step.name: step.based_on for step in pending},
            message,
            "file",
        )
        for step in plan.steps:
            if step.pending or step.act in (SAME, KEEP):
                source = step.file.candidate.source
                documents.mark_applied(step.name, source.text, step.file.candidate.files)
    return [revision for revision in made if revision is not None]
