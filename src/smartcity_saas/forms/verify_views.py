"""The page on which whoever has a paper sees whether it is valid, and the paper for its own resident."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.errors import NotFound
from smartcity_saas.forms.files import file_response
from smartcity_saas.forms.names import MINE, VERIFY
from smartcity_saas.forms.own import own_application
from smartcity_saas.forms.papers import paper_file, verify_paper
from smartcity_saas.forms.views import blueprint
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.policy import Availability


@blueprint.page(
    f"{VERIFY}/<code>",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    across_services=True,
    writes=True,
)
def verify(code: str) -> ResponseReturnValue:
    """Whether a paper is valid, of which service it is and its number; nothing of its holder."""
    try:
        found = verify_paper(code, request.remote_addr or "", current_time())
    except NotFound:
        return render_template("forms/verify.html", paper=None), 404
    return render_template("forms/verify.html", paper=found)


@blueprint.page(
    f"{MINE}/<number>/paper.pdf", who="resident", availability=Availability.EXISTING_BUSINESS
)
def paper(number: str) -> ResponseReturnValue:
    """The letter or certificate of an application."""
    row = own_application(signed_in_resident(), number)
    return file_response(paper_file(row, current_time()))
