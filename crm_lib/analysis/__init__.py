"""What the numbers are: tables in, tables out; no disk, no clock, no plots, no unseeded randomness."""
