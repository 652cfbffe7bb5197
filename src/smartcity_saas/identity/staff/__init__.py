"""Staff, who work on the console: accounts, roles, sessions, second factors, invitations."""
