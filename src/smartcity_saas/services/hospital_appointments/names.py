"""What the service is called in documents and code, and where its pages stand on a city's site."""

SERVICE = "hospital_appointments"
ROOT = "/services/hospital-appointments"
ATTENDED = f"{SERVICE}.attended"
CLINIC_PLACES = "clinic_places"
CLINIC_FEES = "clinic_fees"
"""Its datasets."""
