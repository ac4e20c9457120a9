"""How a number is said: charts, tables and sentences, one file per topic."""
