"""What the tests of messages share with those of a clinic."""

from tests.services.hospital_appointments.conftest import clinic

__all__ = ["clinic"]
