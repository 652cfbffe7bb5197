"""The tables of a city of the product, as ``tables.json`` lists them: columns, foreign keys, indexes and
unique constraints. The city's key is left out: a schema is a city."""

import json

from django.conf import settings
from django.db import models

FIELDS = {
    "bool": models.BooleanField,
    "bytes": models.BinaryField,
    "date": models.DateField,
    "datetime": models.DateTimeField,
    "float": models.FloatField,
    "int": models.BigIntegerField,
    "json": models.JSONField,
    "str": models.TextField,
    "time": models.TimeField,
    "uuid": models.UUIDField,
}


def _model(table):
    attributes = {"__module__": __name__}
    for column in table["columns"]:
        options = {"null": column["nullable"], "db_column": column["name"]}
        if column["to"]:
            field = models.ForeignKey(
                column["to"], models.DO_NOTHING, related_name="+", db_index=False, **options
            )
        else:
            field = FIELDS[column["type"]](**options)
        attributes[f"a_{column['name']}"] = field
    meta = {
        "app_label": "tables",
        "db_table": table["name"],
        "indexes": [
            models.Index(fields=[f"a_{name}" for name in names], name=f"i{table['place']}_{number}")
            for number, names in enumerate(table["indexes"])
        ],
        "constraints": [
            models.UniqueConstraint(
                fields=[f"a_{name}" for name in names], name=f"u{table['place']}_{number}"
            )
            for number, names in enumerate(table["unique"])
        ],
    }
    attributes["Meta"] = type("Meta", (), meta)
    return type(table["name"].title().replace("_", ""), (models.Model,), attributes)


MODELS = [_model(table) for table in json.loads((settings.FOLDER / "tables.json").read_text())]
