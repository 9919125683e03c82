"""Every option of training: what there is, and how it is given by name."""

from .execution import CPU_CONFIGS, EXECUTION_CONFIGS, GPU_CONFIGS, ExecutionConfig
from .fields import (
    AUGMENTATIONS,
    STAGES,
    AnswerOptions,
    AugmentOptions,
    BudgetOptions,
    ComputeOptions,
    DataOptions,
    LossOptions,
    NetworkOptions,
    OptimizerOptions,
    TrainOptions,
)
from .keywords import PRESETS, TrainKeywords, check_named, options_from, value_type
from .log import LogOptions
from .teacher import TeacherOptions

__all__ = [
    "AUGMENTATIONS",
    "CPU_CONFIGS",
    "EXECUTION_CONFIGS",
    "GPU_CONFIGS",
    "PRESETS",
    "STAGES",
    "AnswerOptions",
    "AugmentOptions",
    "BudgetOptions",
    "ComputeOptions",
    "DataOptions",
    "ExecutionConfig",
    "LogOptions",
    "LossOptions",
    "NetworkOptions",
    "OptimizerOptions",
    "TeacherOptions",
    "TrainKeywords",
    "TrainOptions",
    "check_named",
    "options_from",
    "value_type",
]
