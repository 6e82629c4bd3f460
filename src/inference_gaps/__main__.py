"""``python -m inference_gaps`` is ``inference-gaps``."""

import sys

from inference_gaps.replication.cli import main

sys.exit(main())
