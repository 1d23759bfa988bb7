"""`python -m members api|worker|all|migrate`."""

from __future__ import annotations

from chassis.app import main
from members.app import service

if __name__ == "__main__":
    main(service)
