"""What documents may name here, found without loading what does the work.

Validating a document needs the schemas of whatever is installed, not its pages, its tables or the
libraries that it works with. ``create_app`` and the command ask here alike.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from smartcity_saas.catalog.discovery import installed_documents
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.forms.document import kind as form
from smartcity_saas.identity.federation.channels import channel_parts
from smartcity_saas.identity.staff.single_sign_on_settings import (
    SingleSignOnSettings,
)
from smartcity_saas.notifications.senders import KINDS, sender_parts
from smartcity_saas.payments.providers import provider_parts


def installed_extensions() -> Extensions:
    """Everything installed that a document may name; nothing of what is stored."""
    providers, senders = provider_parts(), sender_parts()
    return Extensions(
        services={found.name: found for found, _folder in installed_documents()},
        channels={part.name: part.settings for part in channel_parts()},
        providers={part.name: part.settings for part in providers},
        currencies={part.name: part.currencies for part in providers if part.currencies},
        amounts={part.name: part.amounts for part in providers},
        kinds={form.name: form},
        senders={
            kind: {part.name: part.settings for part in senders if part.kind == kind}
            for kind in KINDS
        },
        single_sign_on=SingleSignOnSettings,
    )


def translation_folders() -> list[Path]:
    """The product's catalogue, then those of the services."""
    return [Path(__file__).parent / "translations", *(f for _one, f in installed_documents())]


def stored_extensions() -> Extensions:
    """The same, with what the database knows of pictures, secrets and money."""
    from smartcity_saas.credentials import bound_secrets
    from smartcity_saas.payments.open_money import open_money
    from smartcity_saas.tenancy.file_apply import is_picture_at

    return replace(
        installed_extensions(),
        same_picture=is_picture_at,
        bound_secrets=bound_secrets,
        open_money=open_money,
    )
