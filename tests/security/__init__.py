"""What an attacker would try, against a real server over real sockets, for every route that there is."""
