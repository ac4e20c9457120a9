"""How a notebook becomes a dated page.

An order holds jobs, one notebook each (`job`). `run` gives each job a process (`process`), in which `worker` runs
the cells (`kernels`), judges the run (`evidence`) and makes the page (`pages`); what has ended is put in its place
(`store`) and told (`delivery`). `request` reads what was asked for.
"""
