"""What is held of a resident: declared by each table, exported, erased."""
