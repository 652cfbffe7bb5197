"""A safe copy of an SVG: what draws is kept, what runs or reaches outside is not.

Kept are shapes, groups, gradients, patterns, clips, masks, markers, and ``use`` and ``symbol``
with references within the drawing; styles are carried into attributes. Text is refused, because
it would look different on every device. Whatever else drew is left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from tinycss2.color3 import parse_color

from smartcity_saas.errors import Invalid
from smartcity_saas.images.svg_style import SVG, carry_styles
from smartcity_saas.texts import lazy_gettext as _

MOST_ELEMENTS = 2_000
MOST_DRAWN = 20_000
"""Elements that are drawn when every ``use`` is followed."""
DEEPEST = 100


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHAPES = _words("path circle ellipse rect line polyline polygon")
_PAINTS = _words("linearGradient radialGradient pattern stop clipPath mask marker")
_GROUPS = _words("svg g defs symbol use switch title desc")
_TEXT = _words("text tspan textPath tref altGlyph")
_SILENT = _words("script style metadata view font font-face")
"""Elements that never drew anything by themselves."""

_PROPERTIES = _words("""fill fill-rule fill-opacity stroke stroke-width stroke-linecap stroke-linejoin
    stroke-miterlimit stroke-opacity stroke-dasharray stroke-dashoffset opacity color
    stop-color stop-opacity clip-path clip-rule mask mask-type marker-start marker-mid marker-end
    display visibility overflow paint-order vector-effect color-interpolation shape-rendering
    transform x y width height cx cy r rx ry""")
"""What a style may declare and an attribute can say as well."""
_ATTRIBUTES = _PROPERTIES | _words("""viewBox preserveAspectRatio d x1 y1 x2 y2 fx fy fr points pathLength id offset
    gradientUnits gradientTransform spreadMethod patternUnits patternContentUnits
    patternTransform clipPathUnits maskUnits maskContentUnits markerWidth markerHeight
    markerUnits refX refY orient role aria-label""")
_LOSSY = _words("filter mix-blend-mode mask-image marker transform-origin clip")
"""Properties that change a drawing and are not kept."""
_PLAIN = frozenset(["none", "normal", "auto", "inherit", "initial", ""])
_UNSEEN = ("hidden", "collapse")
_INHERITED = _words("fill fill-opacity stroke stroke-width stroke-opacity color visibility")
_HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
_REFERRING = _words("use linearGradient radialGradient pattern")
_REFERENCE = re.compile(
    r"""url\(\s*["']?#([^\s"'()\\:]+)["']?\s*\)(\s+(?:[a-zA-Z]+|#[0-9a-fA-F]{3,8}))?"""
)
_CALL = re.compile(r"([^\s,;()]*)\(")
_FUNCTIONS = _words("rgb rgba hsl hsla matrix translate scale rotate skewX skewY")
_UNITS = re.compile(r"(?<=[\d.])(?:px|deg)\b")
_TRANSFORM = re.compile(r"(?:(?:matrix|translate|scale|rotate|skewX|skewY)\([^()a-df-z]*\)[\s,]*)*")


@dataclass(frozen=True)
class Drawing:
    """A safe SVG, and what had to be left out of it, by name."""

    content: bytes
    left_out: tuple[str, ...]


def clean_svg(data: bytes) -> Drawing:
    """A safe copy of an SVG.

    Raises:
        Invalid: It is no SVG, too large, has text, or draws nothing.
    """
    try:
        root = fromstring(data, forbid_dtd=True)
        if root.tag != f"{SVG}svg":
            raise ValueError("no SVG")
        drawing = _cleaned(root)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        raise Invalid(_("The picture is not a valid SVG. Export it again as plain SVG.")) from None
    return drawing


def _cleaned(root: Element) -> Drawing:
    _refuse_too_much(root)
    _refuse_text(root)
    left_out = carry_styles(root, _PROPERTIES | _LOSSY)
    ids = {element.get("id", "") for element in root.iter()} - {""}
    _keep_drawing(root, ids, left_out)
    names = tuple(sorted(left_out))
    by_id = {element.get("id", ""): element for element in root.iter()}
    if _weight(root, by_id, {}) > MOST_DRAWN:
        raise Invalid(_("The SVG has more than 2,000 parts. Simplify it."))
    if not _draws(root, by_id, {}):
        raise Invalid(_nothing(names))
    ElementTree.register_namespace("", SVG.strip("{}"))
    return Drawing(ElementTree.tostring(root, encoding="utf-8"), names)


def _refuse_too_much(root: Element) -> None:
    if sum(1 for _element in root.iter()) > MOST_ELEMENTS:
        raise Invalid(_("The SVG has more than 2,000 parts. Simplify it."))
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("nested too deep")
        level = [child for element in level for child in element]


def _refuse_text(root: Element) -> None:
    found = {name for element in root.iter() if (name := _name(element)) in _TEXT}
    if found:
        raise Invalid(
            _(
                "The SVG has text (%(names)s), which would look different on every device. Turn it into paths in your drawing program, then export it again.",
                names=", ".join(sorted(found)),
            )
        )


def _nothing(left_out: tuple[str, ...]) -> object:
    if left_out:
        return _(
            "Without what cannot be kept (%(names)s), the SVG is empty. Turn it into paths in your drawing program, then export it again.",
            names=", ".join(left_out),
        )
    return _("The SVG is empty. Choose another picture.")


def _name(element: Element) -> str:
    """The name of an SVG element; empty for a comment or another namespace's."""
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.removeprefix(SVG) if tag.startswith(SVG) else ""


def _keep_drawing(element: Element, ids: set[str], left_out: set[str]) -> None:
    _keep_attributes(element, ids, left_out)
    for child in list(element):
        if _name(child) == "a":
            child.tag = f"{SVG}g"
        name = _name(child)
        if name in _GROUPS | _PAINTS | _SHAPES and not (name == "use" and not _refers(child, ids)):
            _keep_drawing(child, ids, left_out)
            continue
        element.remove(child)
        if name and name not in _SILENT and "requiredExtensions" not in child.attrib:
            left_out.add(name)


def _refers(element: Element, ids: set[str]) -> bool:
    """Whether an element refers to another of the same drawing."""
    value = next((element.get(name, "") for name in _HREFS if name in element.attrib), "")
    return value.strip().startswith("#") and value.strip()[1:] in ids


def _keep_attributes(element: Element, ids: set[str], left_out: set[str]) -> None:
    refers = _name(element) in _REFERRING and _refers(element, ids)
    target = next((element.attrib[name] for name in _HREFS if name in element.attrib), "")
    for name, value in list(element.attrib.items()):
        kept = _kept(name, value.strip(), ids)
        if kept is None:
            del element.attrib[name]
            if name in _LOSSY | _PROPERTIES and value.strip().lower() not in _PLAIN:
                left_out.add(name)
        else:
            element.set(name, kept)
    if refers:
        element.set("href", target.strip())


def _kept(name: str, value: str, ids: set[str]) -> str | None:
    """The value of an attribute as it may stand; None if it may not."""
    if name not in _ATTRIBUTES:
        return None
    reference = _REFERENCE.fullmatch(value)
    if reference:
        return f"url(#{reference[1]}){reference[2] or ''}" if reference[1] in ids else None
    if "\\" in value or ":" in value or not _FUNCTIONS.issuperset(_CALL.findall(value)):
        return None
    plain = _UNITS.sub("", value)
    return None if name == "transform" and not _TRANSFORM.fullmatch(plain) else plain


def _references(element: Element) -> list[str]:
    """The ids that an element refers to."""
    found = [
        match[1] for value in element.attrib.values() if (match := _REFERENCE.fullmatch(value))
    ]
    return [*found, *([element.attrib["href"][1:]] if "href" in element.attrib else [])]


def _weight(element: Element, by_id: Mapping[str, Element], known: dict[Element, int]) -> int:
    """How many elements are drawn for one, its references followed.

    Raises:
        ValueError: It refers to itself.
    """
    if element in known:
        if known[element] == 0:
            raise ValueError("refers to itself")
        return known[element]
    known[element] = 0
    parts = [*element, *(by_id[one] for one in _references(element))]
    known[element] = 1 + sum(_weight(part, by_id, known) for part in parts)
    return known[element]


def _draws(element: Element, by_id: Mapping[str, Element], above: Mapping[str, str]) -> bool:
    """Whether anything is painted; ``above`` is what is inherited."""
    name = _name(element)
    if name == "defs" or name in _PAINTS or _hidden_whole(element, by_id):
        return False
    own = {key: value for key, value in element.attrib.items() if value != "inherit"}
    here = {**above, **own}
    if name in _SHAPES:
        return _has_size(element) and _has_paint(here, by_id)
    inherited = {key: here[key] for key in _INHERITED if key in here}
    if name == "use":
        target = by_id[element.attrib["href"][1:]]
        inside = list(target) if _name(target) == "symbol" else [target]
        return any(_draws(child, by_id, inherited) for child in inside)
    return name != "symbol" and any(_draws(child, by_id, inherited) for child in element)


def _hidden_whole(element: Element, by_id: Mapping[str, Element]) -> bool:
    """Whether nothing within an element is seen, whatever it is: it is off, clear, or behind a clip
    or a mask that lets nothing through."""
    if element.get("display") == "none" or _zero(element.get("opacity", "1")):
        return True
    clip = _referred(element.get("clip-path", ""), by_id)
    if clip is not None and _name(clip) == "clipPath" and not _lets_through(clip, by_id):
        return True
    mask = _referred(element.get("mask", ""), by_id)
    return mask is not None and _name(mask) == "mask" and not _any_drawn(mask, by_id)


def _lets_through(clip: Element, by_id: Mapping[str, Element]) -> bool:
    """Whether a clip has an outline; with what that is painted does not matter."""

    def outlines(child: Element) -> bool:
        if _hidden_whole(child, by_id) or child.get("visibility") in _UNSEEN:
            return False
        if _name(child) == "use":
            return outlines(by_id[child.attrib["href"][1:]])
        return _name(child) in _SHAPES and _has_size(child)

    return not _hidden_whole(clip, by_id) and any(map(outlines, clip))


def _any_drawn(element: Element, by_id: Mapping[str, Element]) -> bool:
    own = {key: element.attrib[key] for key in _INHERITED if key in element.attrib}
    return any(_draws(child, by_id, own) for child in element)


def _referred(value: str, by_id: Mapping[str, Element]) -> Element | None:
    reference = _REFERENCE.fullmatch(value)
    return by_id.get(reference[1]) if reference else None


def _has_size(shape: Element) -> bool:
    sizes = {"circle": ["r"], "path": ["d"], "polyline": ["points"], "polygon": ["points"]}
    sizes |= {"rect": ["width", "height"], "ellipse": ["rx", "ry"]}
    asked = sizes.get(_name(shape), [])
    return not any(_zero(shape.get(one, "0")) or not shape.get(one) for one in asked)


def _has_paint(here: Mapping[str, str], by_id: Mapping[str, Element]) -> bool:
    """Whether a shape is seen: filled (black unless said otherwise) or stroked."""
    filled = _paints(here.get("fill", "black"), here, by_id) and not _zero(
        here.get("fill-opacity", "1")
    )
    stroked = _paints(here.get("stroke", "none"), here, by_id) and not (
        _zero(here.get("stroke-width", "1")) or _zero(here.get("stroke-opacity", "1"))
    )
    return here.get("visibility") not in _UNSEEN and (filled or stroked)


def _paints(paint: str, here: Mapping[str, str], by_id: Mapping[str, Element]) -> bool:
    """Whether a paint is seen: a colour that is not wholly clear, a gradient with such a stop, a
    pattern that draws something."""
    server = _referred(paint, by_id)
    if server is not None:
        return _serves(server, by_id)
    return not _clear(here.get("color", "black") if paint.lower() == "currentcolor" else paint)


def _serves(server: Element, by_id: Mapping[str, Element]) -> bool:
    if _name(server) == "pattern" and len(server):
        return _any_drawn(server, by_id)
    stops = server.findall(f"{SVG}stop")
    if not stops and "href" in server.attrib:
        return _serves(by_id[server.attrib["href"][1:]], by_id)
    return any(
        not _clear(stop.get("stop-color", "black")) and not _zero(stop.get("stop-opacity", "1"))
        for stop in stops
    )


def _clear(color: str) -> bool:
    """Whether a colour lets everything through; one that cannot be read is taken for drawn."""
    found = parse_color(color)
    return color.lower() == "none" or (found not in (None, "currentColor") and found.alpha == 0)


def _zero(value: str) -> bool:
    try:
        return float(value.removesuffix("%")) <= 0
    except ValueError:
        return False
