"""Smart-city services for hundreds of cities on one application."""
