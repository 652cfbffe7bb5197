"""How the page writes amounts, numbers and how long there is to pay."""

from django import template

register = template.Library()
KINDS = {"water": "水", "electricity": "电", "gas": "燃气"}
ICONS = {"water": "droplet", "electricity": "bolt", "gas": "flame"}


@register.filter
def money(minor):
    return f"¥{minor / 100:,.2f}"


@register.filter
def number(value):
    return "—" if value is None else f"{value:g}"


@register.filter
def thousandths(value):
    return f"{value / 1000:g}"


@register.filter
def kind_name(kind):
    return KINDS[kind]


@register.filter
def kind_icon(kind):
    return ICONS[kind]


@register.filter
def until(day, today):
    left = (day - today).days
    if left < 0:
        return f"已逾期 {-left} 天"
    return "今天截止" if left == 0 else f"还有 {left} 天"
