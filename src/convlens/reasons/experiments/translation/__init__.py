"""What a shifted picture does to maps and to answers."""
