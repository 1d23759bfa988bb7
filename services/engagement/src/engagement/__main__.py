"""Run engagement: `python -m engagement api|worker|all|migrate`."""

from __future__ import annotations

from chassis.app import main
from engagement.app import service

if __name__ == "__main__":
    main(service)
