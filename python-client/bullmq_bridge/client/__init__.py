"""Redis as publishing and listening see it: a client of redis-py, the user's own or one made from a URL."""
