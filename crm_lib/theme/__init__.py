"""Words, colours, stylesheet, page templates and message catalogues."""
