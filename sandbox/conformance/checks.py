"""placeholder"""

from __future__ import annotations

CHECKS = Check = Finding = examine = None
