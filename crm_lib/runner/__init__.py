"""How a notebook becomes a dated page: parameters, engine, run, verdict, page, archive, index."""
