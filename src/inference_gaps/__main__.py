"""``python -m inference_gaps`` is ``inference-gaps``."""

import sys

from inference_gaps.cli import main

sys.exit(main())
