"""Files read line by line; what cannot be read is noted, and counted."""
