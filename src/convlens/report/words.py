"""The report's sentences."""

from collections.abc import Sequence
from typing import Any

from ..drawing.text import percent

RULE = (
    "Fine-tuning is taken where its cost on the validation pictures is lower by more than a "
    "standard error of the paired costs, or, where the features cost 0.1 or more, at all lower."
)


def title(classes: Sequence[str]) -> str:
    """What the page is about."""
    named = " or ".join(classes) if len(classes) <= 4 else f"{len(classes)} classes"
    return f"{named}: a detector"


def learned(training: dict[str, Any], record: dict[str, Any]) -> str:
    """How long it learned from what, and which parameters are kept."""
    planned, chosen = training["steps_planned"], record["plan"]
    size = f"{chosen['size']}×{chosen['size']} pixels"
    if not planned:
        return f"Only the head was fitted, on features of pictures of {size}."
    of_planned = f"of {planned:,} " if training["steps"] < planned else ""
    return (
        f"{training['steps']:,} {of_planned}steps of {chosen['batch']:,} pictures of up to {size} "
        f"in {chosen['compute']}. The parameters kept are those after step "
        f"{training['best_step']:,}, by their cost on the validation pictures. The cost on "
        "training pictures is measured on varied pictures, and with label smoothing where that is "
        "on, so it can lie above the other."
    )


def multiplications(training: dict[str, Any], record: dict[str, Any]) -> str:
    """What an answer takes, in which a mirror image has its part."""
    of_file, of_one = training["multiplications"], record["network"]["multiplications"]
    mirrored = of_file > of_one
    return (
        f"For an answer the file computes {of_file:,} multiplications"
        f"{', for the picture and its mirror image' if mirrored else ''}. Below are the network's "
        f"layers, for one pass: {of_one:,}."
    )


def tried(tries: dict[str, Any] | None) -> str:
    """With pretrained parameters: what was tried, and which of it won."""
    if tries is None:
        return ""
    frozen, tuned = tries["frozen"], tries["tuned"]
    cost = tries["cost"]
    text = "On the pretrained features as they are a linear head was fitted"
    if cost is not None:
        text += f". It has cost {cost:.4f} on pictures that it was not fitted on"
    text += f"{_held(frozen, '; on the validation pictures') if frozen else ''}. "
    drawn, there = tries["learnt_from"], tries["training"]
    of = (
        f"{drawn:,} of {there:,} pictures, drawn class by class,"
        if drawn < there
        else "all pictures"
    )
    again = f"The head was fitted again on {of} that are not held out."
    if tuned is None:
        return text + f"Fine-tuning the later layers was not tried. {again}"
    text += f"{_held(tuned, 'Fine-tuning the later layers, at its best')}. "
    if tries["fine-tuned"]:
        both = tries["held_out"]
        if both is not None:
            text += (
                f"Of the same {both['n']:,} pictures, which neither learnt from, the features as "
                f"they are answer {percent(both['frozen'])} rightly, the fine-tuned ones "
                f"{percent(both['tuned'])}. "
            )
        return text + f"They were taken. {RULE}"
    return text + f"It was not taken, and the features stay as they are. {RULE} {again}"


def _held(moment: dict[str, Any], what: str) -> str:
    if moment["cost_val"] is None:
        return ""
    return f"{what}: cost {moment['cost_val']:.4f}, accuracy {percent(moment['accuracy_val'])}"
