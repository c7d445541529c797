"""Matrix products by fixed weights, in the precision that was chosen: rows float32[n, in] -> float32[n, out]."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

Precision = Literal["float32", "bfloat16", "int8"]


class Product(Protocol):
    """y = x W^T + b, or y += x W^T where `onto` is given."""

    def __call__(self, x: Tensor, onto: Tensor | None = None) -> Tensor: ...


class Float32Product:
    """Rows of x may lie apart: the matrix library reads them where they are.

    Keeps copies: a view of one tensor of a checkpoint would keep the whole file mapped.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight = weight.t().clone(memory_format=torch.contiguous_format)
        self._bias = None if bias is None else bias.clone()

    def __call__(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        if onto is not None:
            return onto.addmm_(x, self._weight)
        return torch.mm(x, self._weight) if self._bias is None else torch.addmm(self._bias, x, self._weight)


class BFloat16Product:
    """Factors are rounded to bfloat16, sums kept in float32 by the matrix unit."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight = weight.to(torch.bfloat16)
        self._bias = None if bias is None else bias.to(torch.bfloat16)

    def __call__(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        y = F.linear(x.to(torch.bfloat16), self._weight, self._bias).float()
        return y if onto is None else onto.add_(y)


class Int8Product:
    """Weights int8 with a scale per output, activations quantised as they come (dynamic quantisation); CPU only.

    Without int8 dot product instructions (VNNI) activations keep 7 bits, since sums of products may overflow 16.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        scales = (weight.abs().amax(dim=1) / 127).clamp_min(1e-12).double()
        zeros = torch.zeros(len(weight), dtype=torch.int64)
        with warnings.catch_warnings():
            # Quantised tensor types go in a later torch; the version is pinned, and nothing else reaches these kernels.
            warnings.simplefilter("ignore", UserWarning)
            quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(quantised, bias)
        self._seven_bits = not torch.cpu._is_vnni_supported()

    def __call__(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        y: Tensor = torch.ops.quantized.linear_dynamic(x.contiguous(), self._packed, self._seven_bits)
        return y if onto is None else onto.add_(y)


PRODUCTS: dict[Precision, Callable[[Tensor, Tensor | None], Product]] = {
    "float32": Float32Product,
    "bfloat16": BFloat16Product,
    "int8": Int8Product,
}
