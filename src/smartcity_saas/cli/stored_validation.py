"""Checking documents against what is stored, with the database and nothing else of the product."""

from __future__ import annotations

from flask import Flask

from smartcity_saas.audit import system
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.document_files import DocumentFile
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.database import init_database
from smartcity_saas.installed import stored_extensions
from smartcity_saas.settings import Settings


def stored_problems(files: list[DocumentFile], settings: Settings) -> list[Problem]:
    """What is wrong with documents, against what is live.

    Raises:
        SQLAlchemyError: The database cannot be reached, or holds no platform.
    """
    extensions = (
        stored_extensions()
    )  # brings the tables, before the statement guard learns their names
    app = Flask("smartcity_saas")
    init_database(app, settings.database_url)
    with app.app_context():
        documents = Documents(system("cli"), extensions, settings.host, utc_now())
        return documents.problems([file.candidate for file in files])
