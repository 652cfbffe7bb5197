"""Who may come in: residents, who live inside one city, and staff, who work on the console."""
