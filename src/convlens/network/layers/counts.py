"""What a layer costs, in exact integers of any size; no torch.

*Parameters* are the distinct numbers that a layer learns. *Connections* are the input-output pairs
that it multiplies, those that fall on padding left out. *Multiplications* are those done for one
picture, padding included, as usually counted; normalisation, pooling and activations count none.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Parameters, connections and multiplications of a layer; those of several add up."""

    parameters: int = 0
    connections: int = 0
    multiplications: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.parameters + other.parameters,
            self.connections + other.connections,
            self.multiplications + other.multiplications,
        )
