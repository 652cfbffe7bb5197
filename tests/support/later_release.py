"""A release after this one: the same product with one migration more."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartcity_saas import migrations
from tests.support.paths import ROOT

LATER = "9999_later"
MIGRATION = '''
"""What a later release changes."""

import sqlalchemy as sa
from alembic import op

revision = "9999_later"
down_revision = "{before}"
branch_labels = depends_on = None


def upgrade() -> None:
    {change}
'''
EXPANSION = 'op.add_column("utility_bill", sa.Column("meter", sa.Text(), nullable=True))'
"""A column that the release before need not know."""


def add_migration(patch: pytest.MonkeyPatch, folder: Path, change: str) -> None:
    """Give the product of this process one migration more, from a folder of its own."""
    versions = ROOT / "src/smartcity_saas/migrations/versions"
    newest = max(path.stem for path in versions.glob("[0-9]*.py"))
    text = MIGRATION.format(before=newest, change=change)
    (folder / f"{LATER}.py").write_text(text, "utf-8")
    known = migrations.migration_folders
    patch.setattr(migrations, "migration_folders", lambda: (*known(), folder))
