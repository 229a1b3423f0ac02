"""The version of the service, and from which revision of the source it was built."""

import os
from typing import Final

VERSION: Final = "0.2.0"
REVISION: Final = os.environ.get("BUILD_REVISION", "unknown")
