"""Where measurements go besides the run's folder."""

from dataclasses import dataclass

from ..errors import UsageError
from .option import option

LOGS = ("tensorboard", "mlflow")
"""What `--log` may name; `convlens.engine.logs` says what each does."""


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """Where measurements go besides the run's folder."""

    log: str | None = option(
        None, f"also write measurements to {' or '.join(LOGS)}, or both", metavar="NAME,…"
    )

    def names(self) -> tuple[str, ...]:
        """Those that were asked for. Raises `UsageError` for what is none."""
        names = tuple(dict.fromkeys(name.strip() for name in (self.log or "").split(",")))
        if self.log is None:
            return ()
        unknown = [name for name in names if name not in LOGS]
        if unknown:
            raise UsageError(f"--log {self.log}: it can be {', '.join(LOGS)}, or both")
        return names
