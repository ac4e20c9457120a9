"""`python -m crm_lib.cli` is the command `crm`."""

from crm_lib.cli import main

main()
