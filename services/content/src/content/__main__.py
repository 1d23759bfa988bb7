"""Run content: `python -m content api|worker|all|migrate`."""

from __future__ import annotations

from chassis.app import main
from content.app import service

if __name__ == "__main__":
    main(service)
