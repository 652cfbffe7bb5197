"""Logos as SVG: what draws is kept as it looked, what runs or reaches outside is not, and
whatever is lost is said."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcity_saas.errors import Invalid
from smartcity_saas.images.logos import sanitised
from tests.support.world import World

LINKS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(inside: str, more: str = "") -> bytes:
    """A drawing of ten by ten."""
    return f'<svg {LINKS} viewBox="0 0 10 10" {more}>{inside}</svg>'.encode()


def kept(inside: str) -> str:
    """What is stored of a drawing; nothing of it is said to be lost."""
    picture = sanitised(svg(inside))
    assert picture.left_out == ()
    return picture.content.decode()


RECT = '<rect width="9" height="9" {}/>'
PLAIN = RECT.format("")

STYLES = {
    "a class": ("<style>.a{fill:#e30613}</style>" + RECT.format('class="a"'), 'fill="#e30613"'),
    "an id": ("<style>#a{fill:red}</style>" + RECT.format('id="a"'), 'fill="red"'),
    "a name": ("<style>rect{fill:red}</style>" + PLAIN, 'fill="red"'),
    "several": ("<style>.b , .a{fill:red}</style>" + RECT.format('class="x a"'), 'fill="red"'),
    "inside": (
        "<style>.g rect{fill:red}</style><g class='g'>" + PLAIN + "</g>",
        'fill="red"',
    ),
    "a sheet in CDATA": (
        "<style><![CDATA[.a{fill:red}]]></style>" + RECT.format('class="a"'),
        'fill="red"',
    ),
    "the later rule": (
        "<style>.a{fill:blue}.a{fill:red}</style>" + RECT.format('class="a"'),
        'fill="red"',
    ),
    "the more specific rule": (
        "<style>#i{fill:red}.a{fill:blue}rect{fill:green}</style>"
        + RECT.format('id="i" class="a"'),
        'fill="red"',
    ),
    "importance": (
        "<style>rect{fill:red!important}</style>" + RECT.format('style="fill:blue"'),
        'fill="red"',
    ),
    "a style attribute": (
        "<style>.a{fill:blue}</style>" + RECT.format('class="a" fill="green" style="fill:red"'),
        'fill="red"',
    ),
    "units": (RECT.format('style="stroke:red;stroke-width:2px"'), 'stroke-width="2"'),
    "a turn": (RECT.format('style="transform: rotate(45deg)"'), 'transform="rotate(45)"'),
    "hidden": (PLAIN + RECT.format('style="display:none"'), 'display="none"'),
    "a comment": ("<style>/* x */ .a{/* y */fill:red}</style>" + RECT.format('class="a"'), "red"),
}

REFERENCES = {
    "use": '<defs><path id="a" d="M0 0h9v9z"/></defs><use xlink:href="#a"/>',
    "use of a symbol": '<symbol id="a"><path d="M0 0h9v9z"/></symbol><use href="#a" x="1"/>',
    "mask": f'<mask id="a">{PLAIN}</mask>' + RECT.format('mask="url(#a)"'),
    "clip": f'<clipPath id="a">{PLAIN}</clipPath>' + RECT.format('clip-path="url(#a)"'),
    "gradient": '<linearGradient id="a"><stop stop-color="red"/></linearGradient>'
    + RECT.format('style="fill:url(&quot;#a&quot;)"'),
    "gradient of a gradient": '<linearGradient id="b"><stop stop-color="red"/></linearGradient>'
    '<linearGradient id="a" xlink:href="#b"/>' + RECT.format('fill="url(#a)"'),
    "pattern": f'<pattern id="a">{PLAIN}</pattern>' + RECT.format('fill="url(#a)"'),
    "clip of a clear shape": '<clipPath id="a"><path fill="none" d="M0 0h9v9z"/></clipPath>'
    f'<g clip-path="url(#a)">{PLAIN}</g>',
    "clip of a use": '<path id="b" d="M0 0h9v9z"/><clipPath id="a"><use href="#b"/></clipPath>'
    f'<g clip-path="url(#a)">{PLAIN}</g>',
    "pattern of a pattern": f'<pattern id="b">{PLAIN}</pattern><pattern id="a" href="#b"/>'
    + RECT.format('fill="url(#a)"'),
    "marker": '<marker id="a"><path d="M0 0h1v1z"/></marker>'
    '<path marker-end="url(#a)" d="M0 0h9"/>',
}

LOST = {
    "filter": '<filter id="a"><feGaussianBlur/></filter>' + RECT.format('filter="url(#a)"'),
    "image": PLAIN + '<image href="data:image/png;base64,AAAA" width="9" height="9"/>',
    "foreignObject": PLAIN + "<foreignObject><svg/></foreignObject>",
    "use": PLAIN + '<use href="other.svg#a"/>',
    "animate": f"<g><animate attributeName='x'/>{PLAIN}</g>",
    "mix-blend-mode": RECT.format('style="mix-blend-mode:multiply"'),
    "@media": "<style>@media print{rect{fill:red}}</style>" + PLAIN,
    "style": "<style>rect:nth-child(2){fill:red}</style>" + PLAIN,
    "fill": RECT.format('fill="url(#missing)"') + PLAIN,
    "transform": RECT.format('style="transform:translateX(1em)"'),
}

EMPTY = {
    "nothing": "",
    "definitions alone": f"<defs>{PLAIN}</defs>",
    "a symbol alone": f"<symbol>{PLAIN}</symbol>",
    "an image alone": '<image href="http://evil.example/x.png"/>',
    "no paint": RECT.format('fill="none"'),
    "no paint above": f'<g fill="none">{PLAIN}</g>',
    "hidden": f'<g style="display:none">{PLAIN}</g>',
    "clear": RECT.format('opacity="0"'),
    "no size": '<rect width="0" height="9"/><circle/>',
    "a clear colour": RECT.format('fill="rgba(0,0,0,0)"'),
    "a clear colour in hexadecimal": RECT.format('fill="#0000" stroke="hsla(0,0%,0%,0)"'),
    "a clear colour of its own": f'<g color="transparent">{RECT.format("""fill="currentColor" """)}</g>',
    "a clear stroke": RECT.format('fill="none" stroke="red" stroke-opacity="0"'),
    "an empty clip": '<clipPath id="a"/>' + RECT.format('clip-path="url(#a)"'),
    "a clip without size": f'<clipPath id="a"><rect/></clipPath><g clip-path="url(#a)">{PLAIN}</g>',
    "an empty mask": '<mask id="a"><g/></mask>' + RECT.format('mask="url(#a)"'),
    "an empty pattern": '<pattern id="a"/>' + RECT.format('fill="url(#a)"'),
    "clear stops": '<linearGradient id="b"><stop stop-opacity="0"/></linearGradient>'
    '<linearGradient id="a" href="#b"/>' + RECT.format('fill="url(#a)"'),
    "hidden by a class": "<style>.a{display:none}</style>" + RECT.format('class="a"'),
}


@pytest.mark.parametrize("name", STYLES)
def test_styles_are_carried_into_attributes(name: str) -> None:
    """A drawing painted by CSS keeps its paint, and no style is stored."""
    inside, wanted = STYLES[name]
    content = kept(inside)
    assert wanted in content
    assert "style" not in content


@pytest.mark.parametrize("name", REFERENCES)
def test_references_within_the_drawing_stay(name: str) -> None:
    """Parts are used, masked, clipped, filled and marked by their own ids."""
    content = kept(REFERENCES[name])
    assert "#a" in content
    assert 'id="a"' in content


@pytest.mark.parametrize("name", LOST)
def test_drawing_that_is_taken_out_is_said(name: str) -> None:
    """What drew and cannot be kept is named; the rest is stored."""
    picture = sanitised(svg(LOST[name]))
    assert name in picture.left_out
    assert b"rect" in picture.content


@pytest.mark.parametrize("name", ["text", "tspan", "textPath"])
def test_text_is_refused_by_name(name: str) -> None:
    """Text looks different on every device: it is refused, and the person reads what to do."""
    with pytest.raises(Invalid, match=name):
        sanitised(svg(f"{PLAIN}<g><text><{name}>克州</{name}></text></g>"))


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_drawing_is_never_stored(name: str) -> None:
    """A logo that would show nothing is refused."""
    with pytest.raises(Invalid, match="is empty"):
        sanitised(svg(EMPTY[name]))


def test_links_and_switches_keep_what_they_hold() -> None:
    """A link is a group; Illustrator's switch shows what stands in it."""
    switch = '<switch><foreignObject requiredExtensions="x"/><g>' + PLAIN + "</g></switch>"
    content = kept(f'<a href="https://evil.example">{PLAIN}</a>{switch}')
    assert content.count("<rect") == 2
    assert "evil" not in content


@pytest.mark.parametrize(
    "inside",
    [
        '<g id="a"><use href="#a"/></g>',
        '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>',
        PLAIN + '<mask id="a"><rect mask="url(#a)"/></mask>',
        "".join(
            f'<g id="a{level}">' + f'<use href="#a{level + 1}"/>' * 10 + "</g>"
            for level in range(12)
        )
        + '<path id="a12" d="M0 0h9v9z"/>',
        "<style>" + "rect{}" * 700 + "</style><g>" + "<g/>" * 2500 + "</g>",
    ],
)
def test_references_that_multiply_are_refused(inside: str) -> None:
    """A drawing that uses itself, or itself many times over, is no logo."""
    with pytest.raises(Invalid):
        sanitised(svg(inside))


HOSTILE = [
    "url(http://evil.example)",
    "url(//evil.example/x)",
    "url(evil.png)",
    "url(#a) url(evil.png)",
    "u\\72l(http://evil.example)",
    "image-set('http://evil.example/x')",
    "javascript:alert(1)",
    "expression(alert(1))",
    "var(--evil)",
]


@settings(max_examples=60, deadline=None)
@given(
    value=st.sampled_from(HOSTILE),
    name=st.sampled_from(
        ["fill", "stroke", "mask", "clip-path", "marker", "filter", "onload", "x"]
    ),
    place=st.sampled_from(["attribute", "style", "sheet"]),
)
def test_nothing_reaches_outside(value: str, name: str, place: str) -> None:
    """By attribute, style or sheet: no reference to elsewhere, no code."""
    inside = {
        "attribute": RECT.format(f'{name}="{value}"'),
        "style": RECT.format(f'style="{name}:{value}"'),
        "sheet": f"<style>rect{{{name}:{value}}}</style>" + PLAIN,
    }[place]
    content = sanitised(svg(inside + '<path d="M0 0h9v9z"/>')).content.decode()
    for word in ("evil", "alert", "onload", "style", "var("):
        assert word not in content


def test_a_city_is_told_what_its_logo_lost(world: World) -> None:
    """After the upload the page names what was left out; text is refused on the field."""
    staff = world.city_staff()
    base = "/cities/hangzhou/branding"
    color = world.city("hangzhou").color

    def upload(inside: str) -> str:
        logo = (io.BytesIO(svg(inside)), "logo.svg")
        number = world.documents().live("hangzhou").number
        answer = staff.post(base, base, color=color, logo=logo, revision=number)
        return str(staff.get(answer.location).text if answer.location else answer.text)

    assert "Removed from the logo: filter." in upload(LOST["filter"])
    assert "Removed from the logo" not in upload(PLAIN)
    assert "text" in upload("<text>克州</text>")
