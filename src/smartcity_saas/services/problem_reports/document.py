"""What the service adds to documents, which is read without its pages and tables."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import EmptySchema, ServiceExtension
from smartcity_saas.services.problem_reports.names import SERVICE
from smartcity_saas.services.problem_reports.settings import ProblemReportsSettings

extension = ServiceExtension(
    name=SERVICE,
    settings=ProblemReportsSettings,
    connectors={"local": EmptySchema},
)
