"""Certificates of a whole generated package: several are made at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from symloss.certificate import CERTIFIED, Certificate, read
from symloss.loader import load
from symloss.peers import foreign
from symloss.progress import Progress, no_progress
from symloss.project import package_of
from symloss.verify.certify import certify
from symloss.verify.elementary import certify_functions
from symloss.write import replace_text


@dataclass(frozen=True)
class Search:
    """How certificates are made.

    Attributes
    ----------
    specs : tuple of Path
        Where the losses are declared.
    generated : Path
        The package that holds their kernels; certificates are in ``certificates`` beside it.
    inputs : int
        Number of inputs that are drawn for each setting.
    exhaustive : bool
        Whether to try all float32 where that can be done.
    own : bool
        Whether to keep what certificates say of other libraries.
    """

    specs: tuple[Path, ...]
    generated: Path
    inputs: int = 2000
    exhaustive: bool = True
    own: bool = False

    def path(self, name: str) -> Path:
        """Return where the certificate of a loss, or of a family of functions, is."""
        return self.generated.resolve().parent / "certificates" / f"{name}.json"


def certify_all(names: Sequence[str], search: Search, jobs: int = 1, progress: Progress = no_progress) -> None:
    """Make certificates, and write each as soon as it is there.

    Parameters
    ----------
    names : sequence of str
        Losses, and families of functions (keys of `certificate.CERTIFIED`).
    search : Search
        How.
    jobs : int
        Number of processes.
    progress : callable
        Wraps the iteration over certificates and, where they are made one by one, what is within.
    """
    one_by_one = (_certificate(name, search, progress) for name in names)
    done = _in_processes(names, search, jobs) if jobs > 1 else one_by_one
    for certificate in progress(done, "certify", len(names)):
        replace_text(search.path(certificate.loss), certificate.text())


def _in_processes(names: Sequence[str], search: Search, jobs: int) -> Iterator[Certificate]:
    # Spawned, as the libraries that are compared keep threads; one task each, as they keep memory.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        running = [pool.submit(_certificate, name, search, no_progress) for name in names]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _certificate(name: str, search: Search, progress: Progress) -> Certificate:
    package = package_of(search.generated)
    if name in CERTIFIED:
        return certify_functions(package, search.inputs, search.exhaustive, progress, name)
    (loss,) = [loss for loss in load(search.specs) if loss.name == name]
    others = [] if search.own else foreign(name)
    certificate = certify(loss, package, others, search.inputs, search.exhaustive, progress)
    earlier = search.path(name)
    return certificate.beside(read(earlier)) if search.own and earlier.exists() else certificate
