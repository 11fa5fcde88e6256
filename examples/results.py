"""What an example reports."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

PICTURES = Path(__file__).parent / "pictures"
Array = npt.NDArray[np.float64]


class Result(NamedTuple):
    """One figure beside the figure of a well-known library on the same split.

    ``tolerance`` is how much worse than the reference ours may be, in units of the metric.
    """

    example: str
    metric: str
    ours: float
    reference: float
    by: str
    tolerance: float
    higher_is_better: bool

    @property
    def good(self) -> bool:
        """Whether ours is as good as the reference, up to the tolerance."""
        lead = self.ours - self.reference if self.higher_is_better else self.reference - self.ours
        return lead >= -self.tolerance


def save_picture(name: str, images: Array) -> Path:
    """Save 8 x 8 images, one a row of 64 intensities, as a sheet with 12 columns."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    PICTURES.mkdir(exist_ok=True)
    rows = len(images) // 12
    padded = np.pad(images[: 12 * rows].reshape(rows, 12, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
    sheet = padded.transpose(0, 2, 1, 3).reshape(rows * 10, 120)
    path = PICTURES / f"{name}.png"
    pyplot.imsave(path, np.kron(sheet, np.ones((5, 5))), cmap="gray", vmin=0.0, vmax=1.0)
    return path
