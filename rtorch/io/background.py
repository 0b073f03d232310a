"""One job at a time beside the program."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Runs a job in a thread; what it raises comes out of the next `wait`.

    The thread is no daemon: a program that ends waits for it.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._errors: list[BaseException] = []

    def start(self, job: Callable[[], None], name: str) -> None:
        """Run `job`, after the one before it."""
        self.wait()
        errors = self._errors

        def run() -> None:
            try:
                job()
            except BaseException as error:
                errors.append(error)

        self._thread = threading.Thread(target=run, name=name)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Return when nothing runs any more; raise what the last job raised, once."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._errors:
            raise self._errors.pop()
