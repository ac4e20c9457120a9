"""What a table is, what may be known when, and what a topic hands over."""
