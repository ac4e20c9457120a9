"""How a run is judged: the verdict, what it rests on, and what no page may hold."""
