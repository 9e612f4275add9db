# args: --version
# The version action.
from support.taskbook import main

main()
