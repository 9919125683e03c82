"""`python -m convlens` is the command `convlens`."""

import sys

from .cli import main

sys.exit(main())
