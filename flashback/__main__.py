"""python -m flashback"""

from flashback.cli import main

main()
