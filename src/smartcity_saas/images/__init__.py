"""Pictures that people send: decoded once, made anew, without whatever else their file held."""
