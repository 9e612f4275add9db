# args: -v list --sort size
# A value that is not among the choices.
from support.taskbook import main

main()
