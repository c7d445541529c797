"""The array type of the studio. Shapes and units stand in the docstrings of what takes or returns one."""

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
