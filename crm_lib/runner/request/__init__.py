"""What a run is asked for: parameters of a notebook, what the command line chose, and dates as people say them."""
