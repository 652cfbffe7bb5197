"""Personal data of residents: declared by each table, exported, erased."""
