"""`python -m eventstore` is the command `eventstore`."""

import sys

from eventstore.cli.main import main

sys.exit(main())
