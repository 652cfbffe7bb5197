"""The summary of a form's faults: each line names the field at which its fault stands."""

from __future__ import annotations

import re

from markupsafe import Markup

_SUMMARY = re.compile(r'<div class="summary".*?</div>', re.DOTALL)
_LINE = re.compile(r'<a href="#([\w-]+)">(.*?)</a>', re.DOTALL)
_LABEL = re.compile(
    r'<label for="([\w-]+)">(.*?)</label>|<fieldset[^>]* id="([\w-]+)"[^>]*>\s*<legend>(.*?)</legend>',
    re.DOTALL,
)
_TAG = re.compile(r"<[^>]*>")


def named_faults(page: str, between: str = ": ") -> Markup:
    """A page of ours whose summaries say of each fault the label of its field, once."""
    found = ((one[1] or one[3], one[2] or one[4]) for one in _LABEL.finditer(page))
    labels = {name: " ".join(_TAG.sub(" ", text).split()) for name, text in found}

    def line(found: re.Match[str]) -> str:
        label = labels.get(found[1])
        if not label or found[2].startswith(label):
            return found[0]
        return f'<a href="#{found[1]}">{label}{between}{found[2]}</a>'

    def summary(found: re.Match[str]) -> str:
        return _LINE.sub(line, found[0])

    return Markup(_SUMMARY.sub(summary, page))  # noqa: S704 -- a page that is made already
