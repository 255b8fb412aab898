"""A client of Gofer's own API: HTTP for requests, websockets for streams. Knows nothing of the server's insides."""
