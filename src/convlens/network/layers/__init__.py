"""The layers that a network is written with; no torch.

A layer's whole meaning stands in its class (`layer.Layer` says what belongs to it): its names and
its grammar, its shapes, its counts and its receptive field. From `LAYERS` follow the parser and the
printed grammar (`network/parse.py`).
"""

from .convolution import CONVOLUTIONS, Conv, Full, Local
from .layer import Layer, inputs_of
from .pooling import POOLING_LAYERS, GlobalPool, Pool
from .residual import Residual, flat
from .units import UNIT_LAYERS, Activation, Dense, Dropout, Norm, Pointwise, ResponseNorm

__all__ = [
    "LAYERS",
    "Activation",
    "Conv",
    "Dense",
    "Dropout",
    "Full",
    "GlobalPool",
    "Layer",
    "Local",
    "Norm",
    "Pointwise",
    "Pool",
    "Residual",
    "ResponseNorm",
    "flat",
    "inputs_of",
]

LAYERS: tuple[type[Layer], ...] = (*CONVOLUTIONS, *POOLING_LAYERS, *UNIT_LAYERS, Residual)
"""Every kind of layer, in the order of the printed grammar."""
