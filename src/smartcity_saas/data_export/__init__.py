"""Measures as Parquet files in folders by province, city and day, for engines that read much at once.

    datasets      what is exported, column by column, each by the table of sums that it comes from
    suppression   counts of few left out, in what is given away
    exporting     one city after another, only what is not there as it stands, each file whole

What the folder looks like and how the installation reads its own stands in
``measures/export_folder.py`` and ``measures/exported_days.py``.
"""

from smartcity_saas.data_export.datasets import DATASETS, MEASURES, ExportedDataset
from smartcity_saas.data_export.exporting import ExportedCity, export_cities
from smartcity_saas.data_export.suppression import suppress_day

__all__ = [
    "DATASETS",
    "MEASURES",
    "ExportedCity",
    "ExportedDataset",
    "export_cities",
    "suppress_day",
]
