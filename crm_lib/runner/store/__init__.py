"""What lies on disk between runs: pages, records, target lists, and who may write them."""
