"""A fault of a request: its reference number, and a page that needs nothing.

Whoever renders the page of a fault asks nobody who is signed in: what failed may be just that.
"""

from __future__ import annotations

import uuid

from flask import Response, has_request_context, request

from smartcity_saas.tracing import trace_id

_FAULT = "smartcity.fault"
_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>暂时出了问题 / Something went wrong here</title></head>
<body><main>
<h1>暂时出了问题</h1>
<p>不是您的操作有误，我们已经记下（{reference}）。请过几分钟再试。</p>
<h2 lang="en">Something went wrong here</h2>
<p lang="en">It is not your fault, and we have a note of it ({reference}). Try again in a few minutes.</p>
<p><a href="/">首页 / Home</a> · <a href="tel:12345">12345</a></p>
</main></body></html>
"""


def note_fault() -> str:
    """Note that the present request has failed; returns its reference number, one for all that
    fails in it."""
    made = uuid.uuid4().hex[:8]
    if not has_request_context():
        return made
    return str(request.environ.setdefault(_FAULT, made))


def told_reference(reference: str) -> str:
    """A reference number as a page tells it: with the trace's id beside it where there is a trace."""
    found = trace_id()
    return f"{reference}, trace {found}" if found else reference


def has_failed() -> bool:
    """Whether the present request has failed: then nothing more is asked or written for it."""
    return has_request_context() and _FAULT in request.environ


def bare_fault_page(reference: str) -> Response:
    """The page where not even the site's own can be made: no template, no translation, no style."""
    response = Response(
        _PAGE.format(reference=told_reference(reference)), 500, mimetype="text/html"
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response
