"""Options of learning from another network."""

from dataclasses import dataclass

from .option import option


@dataclass(frozen=True, kw_only=True)
class TeacherOptions:
    """A larger network to learn from, beside the labels."""

    teacher: str | None = option(
        None,
        "a run or detector whose probabilities are learnt too (distillation)",
        metavar="RUN",
        basic=True,
    )
    unlabelled: str | None = option(
        None,
        "with --teacher: pictures without labels, of which the teacher's answers are learnt",
        metavar="FOLDER",
        basic=True,
    )
    temperature: float = option(
        2.0,
        "of the teacher's probabilities: the higher, the more the improbable ones count",
        metavar="NUMBER",
        least=0.5,
        most=20,
    )
