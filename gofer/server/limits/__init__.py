"""What keeps one client from taking the server away from all others."""
