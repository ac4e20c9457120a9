"""The pages people read: reports, indexes, comparisons, checks and failures, and the tables beside them."""
