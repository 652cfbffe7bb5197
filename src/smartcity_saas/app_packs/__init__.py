"""What a city hands in to an app so that its site opens there: ``smartcity pack APP CITY``.

A pack is made of the city's configuration alone, so the same configuration makes the same bytes.
What an app's documents say stands in ``platforms/``, one file each.
"""
