"""python -m zeta_exp.cli: the command `zeta` where it is not installed."""

import sys

from zeta_exp.cli import main

if __name__ == "__main__":
    sys.exit(main())
