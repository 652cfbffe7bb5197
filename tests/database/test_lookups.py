"""Looking up one row."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import delete, select

from smartcity_saas.database import one_or_404, transaction
from smartcity_saas.errors import NotFound
from smartcity_saas.services.utility_bills.models import UtilityAccount
from smartcity_saas.tenancy.context import tenant_context
from tests.support.world import World


def test_what_is_not_there_is_not_found(world: World) -> None:
    """Promise: whoever asks for a row that is not there is told so in the words of the place, for
    a look and for a change alike."""
    with world.app.app_context(), tenant_context(world.city("hangzhou").id):
        nobody = uuid.uuid4()
        with pytest.raises(NotFound) as raised:
            one_or_404(select(UtilityAccount).where(UtilityAccount.id == nobody), "no account")
        assert (raised.value.status, raised.value.detail) == (404, "no account")
        with pytest.raises(NotFound), transaction():
            one_or_404(
                delete(UtilityAccount)
                .where(UtilityAccount.id == nobody)
                .returning(UtilityAccount.id)
            )
