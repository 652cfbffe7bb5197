"""Pages that every document has, whichever portal it stands in: text, history, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.configuration.changes import text_diff
from smartcity_saas.configuration.line_endings import with_ends_of
from smartcity_saas.configuration.merge import get, leaves, merge
from smartcity_saas.configuration.problems import Problem, dotted
from smartcity_saas.configuration.secrets import find_secrets, masked, without_secrets
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_edit import inline
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import Invalid, NotAllowed
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.base_revision import base_revision
from smartcity_saas.portals.secret_entry import entered_secrets, keep_entered, to_enter
from smartcity_saas.web.policy import ConsoleBlueprint


@dataclass(frozen=True)
class DocumentPages:
    """Where a kind of document lives on the console.

    ``rule`` is its place in addresses, ``name`` turns the address's arguments into the
    document's name, ``undo`` is the permission to take one's change back, ``shell`` gives a page what its portal's navigation needs.
    """

    rule: str
    name: Callable[..., str]
    see: str
    change: str
    undo: str
    shell: Callable[..., dict[str, Any]]


def add_document_pages(blueprint: ConsoleBlueprint, pages: DocumentPages) -> None:
    """Register the pages of a kind of document."""
    _add_editor(blueprint, pages)
    _add_history(blueprint, pages)
    _add_restoring(blueprint, pages)


def _add_editor(blueprint: ConsoleBlueprint, pages: DocumentPages) -> None:

    @blueprint.page(f"{pages.rule}/document", permission=pages.see)
    def document(**where: str) -> ResponseReturnValue:
        """The text, and what it makes together with the layers above."""
        name = pages.name(**where)
        live = documents().live_revision(name)
        return _editor(pages, where, live.text, live.number, [])

    @blueprint.page(f"{pages.rule}/document", permission=pages.change, methods=("POST",))
    def save_document(**where: str) -> ResponseReturnValue:
        """Save the text as a new revision."""
        name = pages.name(**where)
        text = with_ends_of(documents().live_revision(name).text, request.form.get("text", ""))
        based_on = base_revision()
        try:
            secrets = entered_secrets()
            candidate = Candidate(
                parse(text, name), documents().live(name).files, frozenset(secrets)
            )
            made = documents().save(candidate, based_on, request.form.get("message", ""))
            keep_entered(name, secrets)
        except (Invalid, NotAllowed) as error:
            shown = _without_secrets(text, name)
            problems = error.problems if isinstance(error, Invalid) else []
            detail = "" if problems else str(error.detail)
            return _editor(pages, where, shown, based_on, problems, detail), error.status
        return redirect(
            f"{address_of(pages.rule, where)}/history?done={made.number if made else 0}"
        )


def _add_history(blueprint: ConsoleBlueprint, pages: DocumentPages) -> None:
    @blueprint.page(f"{pages.rule}/history", permission=pages.see)
    def history(**where: str) -> ResponseReturnValue:
        """Who changed what, when and why."""
        name = pages.name(**where)
        return render_template(
            "console/history.html",
            revisions=documents().history(name),
            live=documents().live(name),
            base=address_of(pages.rule, where),
            done=request.args.get("done", type=int),
            added=_added(name),
            **pages.shell(**where),
        )

    @blueprint.page(f"{pages.rule}/history/<int:number>", permission=pages.see)
    def revision(number: int, **where: str) -> ResponseReturnValue:
        """One revision, with the lines that it changed."""
        name = pages.name(**where)
        found = documents().revision(name, number)
        parent = documents().revision(name, found.parent) if found.parent else None
        return render_template(
            "console/revision.html",
            revision=found,
            live=documents().live(name),
            diff=text_diff(parent.text if parent else "", found.text, f"{name}.yaml"),
            base=address_of(pages.rule, where),
            **pages.shell(**where),
        )


def _added(name: str) -> str:
    """The service of a document that has just been added, if it is still there."""
    service = request.args.get("added", "")
    return service if get(documents().live(name).values, ("services", service)) else ""


def _add_restoring(blueprint: ConsoleBlueprint, pages: DocumentPages) -> None:
    @blueprint.page(
        f"{pages.rule}/history/<int:number>/undo", permission=pages.undo, methods=("POST",)
    )
    def undo(number: int, **where: str) -> ResponseReturnValue:
        """Restore what one revision changed, and nothing else."""
        made = documents().undo(pages.name(**where), number, base_revision() or None)
        return redirect(
            f"{address_of(pages.rule, where)}/history?done={made.number if made else 0}"
        )

    @blueprint.page(
        f"{pages.rule}/history/<int:number>/rollback", permission=pages.change, methods=("POST",)
    )
    def rollback(number: int, **where: str) -> ResponseReturnValue:
        """Make a new revision with an old text."""
        made = documents().rollback(pages.name(**where), number, base_revision())
        return redirect(
            f"{address_of(pages.rule, where)}/history?done={made.number if made else 0}"
        )


def _editor(
    pages: DocumentPages,
    where: dict[str, str],
    text: str,
    revision: int,
    problems: list[Problem],
    refusal: str = "",
) -> str:
    name = pages.name(**where)
    layers = [found.layer for found in documents().layers(name)]
    merged = merge(layers)
    rows = [
        (dotted(path), inline(value), merged.origins.get(path, name))
        for path, value in leaves(merged.values)
    ]
    return render_template(
        "console/document.html",
        name=name,
        document_text=text,
        revision=revision,
        problems=problems,
        refusal=refusal,
        merged=rows,
        to_enter=to_enter(problems, name),
        base=address_of(pages.rule, where),
        **pages.shell(**where),
    )


def address_of(rule: str, where: Mapping[str, str]) -> str:
    """A rule with the arguments of the present address in it."""
    for key, value in where.items():
        rule = rule.replace(f"<{key}>", value)
    return rule


def _without_secrets(text: str, name: str) -> str:
    """What was typed, given back, but a secret never is."""
    try:
        root = parse(text, name).root
    except Invalid:
        return masked(text)
    return masked(without_secrets(text, list(find_secrets(root))))
