"""J for boxes: how wrong classes and boxes are at the points that learn an object."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss

from .assignment import assign
from .points import boxes_at

NOTHING = -1
"""The class of what fills up the targets of pictures with fewer objects than others."""
OF_BOXES = 4.0
"""What boxes count beside classes."""
NOTHING_THERE, FOCUS = 0.75, 2.0
"""What a class counts at a point that learns no object of it, and the power of its probability
there: of the many points, those that are wrongly sure."""
PER_OBJECT = 4.0
"""What the points that learn an object count for together, about."""


@dataclass(frozen=True)
class BoxCost:
    """Varifocal loss of classes (Zhang et al. 2021), and generalised IoU (Rezatofighi et al. 2019).

    A class's target is 0, and at the points that learn an object the overlap that is to be had:
    so the probability tells how good the box is, too. A point that learns an object counts by that
    overlap, another by how sure it is wrongly: plain cross-entropy would spend the first hundreds
    of steps on the many points where nothing is, and find rare classes later. Sums over all points
    and pictures are divided by the number of objects in the batch. Targets [N, G, 5] are left, top,
    right, bottom in pixels and the class, `NOTHING` where a picture has fewer than G objects.

    Args:
        points: Those of the network's outputs.
        strides: Theirs.
    """

    points: Tensor
    strides: Tensor

    def encode(self, labels_NG5: Tensor) -> Tensor:
        """Targets are the labels themselves."""
        return labels_NG5

    def loss(self, outputs_NPD: Tensor, targets_NG5: Tensor, *, batch_labels: Tensor) -> Tensor:
        """These pictures' part of J, in a batch with these labels [B, G, 5]: parts add up to J."""
        outputs = outputs_NPD.float()
        boxes = boxes_at(self.points, self.strides, distances_NP4=outputs[..., :4])
        logits = outputs[..., 4:]
        wanted = torch.zeros_like(logits)
        of_boxes = outputs.new_zeros(())
        for n, target in enumerate(targets_NG5):
            objects = target[target[:, 4] >= 0]
            if not len(objects):
                continue
            labels = objects[:, 4].long()
            owner, sure = assign(
                self.points,
                self.strides,
                found_P4=boxes[n],
                probabilities_PK=logits[n].sigmoid(),
                boxes_G4=objects[:, :4],
                labels_G=labels,
            )
            learns = owner >= 0
            owner, sure = owner[learns], sure[learns]
            wanted[n, learns, labels[owner]] = sure
            wrong = generalized_box_iou_loss(boxes[n, learns], objects[owner, :4])
            of_boxes = of_boxes + (wrong * sure).sum()
        entropies = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        sure_of_nothing = NOTHING_THERE * logits.detach().sigmoid() ** FOCUS
        of_classes = (entropies * torch.where(wanted > 0, wanted, sure_of_nothing)).sum()
        objects_B = (batch_labels[..., 4] >= 0).sum().clamp(min=1)
        total: Tensor = (of_classes + OF_BOXES * of_boxes) / (PER_OBJECT * objects_B)
        return total

    def penalty(self, parameters: Iterable[nn.Parameter]) -> None:
        """Nothing besides."""
