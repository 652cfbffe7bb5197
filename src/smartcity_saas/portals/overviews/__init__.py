"""What the overviews of a city, a province and the platform are made of.

``today`` (now beside the usual day), ``needs`` (what waits for a person), ``running`` (what works),
``months`` (thirty days beside last year), ``helped`` (satisfaction), and ``across`` (many cities, by
rows that may leave a city). Each part tells itself to a page and, by ``data()``, to a program.
"""
