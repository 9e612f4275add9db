# args: --help
# An argparse tool prints its help.
from support.taskbook import main

main()
