"""The server: its services, the API above them, and the store below."""
