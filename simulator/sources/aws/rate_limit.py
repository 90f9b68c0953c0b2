"""Keeping to a number of requests a second."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class TokenBucket:
    """At most `rate` takes a second, however many threads take. `clock` and `sleep` are in seconds."""

    rate: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        """Wait until the next request may be made."""
        with self._lock:
            now = self.clock()
            wait = max(0.0, self._next - now)
            self._next = max(now, self._next) + 1 / self.rate
        if wait:
            self.sleep(wait)
