"""Templates import the macros that they use, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, nodes

SOURCE = Path(__file__).parents[2] / "src/smartcity_saas"
PAGES = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
PARSED = {
    path.relative_to(SOURCE).as_posix(): PAGES.parse(path.read_text("utf-8"))
    for pattern in ("templates/**/*.html", "templates/**/*.html.tmpl")
    for path in sorted(SOURCE.rglob(pattern))
}
SHARED = {
    macro.name
    for name, page in PARSED.items()
    if name.startswith("templates/components/")
    for macro in page.find_all(nodes.Macro)
}


@pytest.mark.parametrize("name", PARSED)
def test_a_template_imports_what_it_uses(name: str) -> None:
    """Promise: no page fails for want of a macro that another template happened to import: what a
    base imports is there in its pages' blocks, and not yet where their own imports are made."""
    page = PARSED[name]
    given = [found for node in page.find_all(nodes.FromImport) for found in node.names]
    imported = {found if isinstance(found, str) else found[1] for found in given}
    own = {macro.name for macro in page.find_all(nodes.Macro)}
    calls = {
        call.node.name for call in page.find_all(nodes.Call) if isinstance(call.node, nodes.Name)
    }
    read = {found.name for found in page.find_all(nodes.Name) if found.ctx == "load"}
    assert (calls & SHARED) - own - imported == set(), "not imported"
    assert imported - read == set(), "imported and not used"
