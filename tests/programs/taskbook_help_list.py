# args: list --help
# The help of one subcommand, with defaults and groups.
from support.taskbook import main

main()
