"""Open data: what a city's site gives away, as files and as catalogues of them.

A dataset is declared column by column (``catalog/datasets.py``), by the platform here or by a service
in its contract. A city opens and closes each in its document. No column of a table that holds
personal data can be one.
"""
