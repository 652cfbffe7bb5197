"""The signed-in bill page: who is signed in, the links, the bills, payments on their way."""

from datetime import timedelta
from math import ceil

from django.contrib.auth.decorators import login_required
from django.db.models import Max, Q
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from billing.models import Bill, Link, Payment, Secret

THOUSANDTHS = 1000


@login_required
def account(request, link_id):
    links = list(
        Link.objects.filter(resident=request.user)
        .select_related("account")
        .order_by("created_at", "id")
    )
    link = next((one for one in links if one.id == link_id), None)
    if link is None:
        get_object_or_404(Link, id=link_id, resident=request.user)
    bills = list(
        Bill.objects.filter(account__link__resident=request.user)
        .filter(account__link__nickname=link.nickname)
        .filter(Q(account=link.account) | Q(paid_on=None, amount__gt=0))
        .select_related("account")
        .order_by("due_on", "id")
    )
    owed = [one for one in bills if one.paid_on is None and one.amount > 0]
    coming = set(
        Payment.objects.filter(
            state="processing", reference__in=[str(one.id) for one in owed]
        ).values_list("reference", flat=True)
    )
    pays = Secret.objects.values_list("name", "bound_to")
    refused = Payment.objects.filter(
        refusal="too_small", created_at__gt=timezone.now() - timedelta(days=7)
    ).aggregate(Max("amount"))
    own = sorted(
        (one for one in bills if one.account_id == link.account_id),
        key=lambda one: one.period,
        reverse=True,
    )
    due = [one for one in owed if str(one.id) not in coming]
    months = usage_of(own)
    return render(
        request,
        "account.html",
        {
            "city": request.tenant,
            "link": link,
            "links": links,
            "due": due,
            "total": sum(one.amount for one in due),
            "takes_payments": len(pays) > 0,
            "refused": refused["amount__max"] or 0,
            "months": months,
            "usage": sum(now for _month, now, _before in months),
            "bars": bars_of(months),
            "bills": own[:6],
            "bill_count": len(own),
            "today": timezone.localdate(),
        },
    )


def usage_of(bills):
    by_month = {one.period: one.usage / THOUSANDTHS for one in bills}
    last = max(by_month)
    found = []
    for place in range(last.year * 12 + last.month - 12, last.year * 12 + last.month):
        month = last.replace(year=place // 12, month=place % 12 + 1)
        now, before = by_month.get(month), by_month.get(month.replace(year=month.year - 1))
        found.append((month, now or 0, before))
    return found


def bars_of(months, width=320, height=190):
    left, top, base = 30, 18, height - 24.0
    most = max([1, *(now for _m, now, _b in months), *(before or 0 for _m, _n, before in months)])
    ceiling = ceil(most / 10) * 10
    slot = (width - left) / len(months)

    def at(value):
        return round(base - (base - top) * value / ceiling, 1)

    found = []
    for place, (month, now, before) in enumerate(months):
        x, wide = round(left + slot * place + slot * 0.15, 1), round(slot * 0.7, 1)
        tick = at(before) if before is not None else None
        found.append(
            {
                "x": x,
                "y": at(now),
                "width": wide,
                "height": round(base - at(now), 1),
                "tick": tick,
                "tick_left": x - 2,
                "tick_right": x + wide + 2,
                "middle": x + wide / 2,
                "above": min(at(now), tick or at(now)) - 5,
                "label": month.month,
                "value": now,
                "current": place == len(months) - 1,
            }
        )
    return found
