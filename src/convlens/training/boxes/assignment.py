"""Which points learn which object: those that find it best already (TOOD, Feng et al. 2021)."""

import torch
from torch import Tensor
from torchvision.ops import box_iou

CANDIDATES = 10
"""Points that learn one object, at most."""
POWERS = (0.5, 6.0)
"""Of a class's probability and of the overlap, in how well a point finds an object."""
LEAST = 1e-9


@torch.no_grad()
def assign(
    points_P2: Tensor,
    strides_P: Tensor,
    *,
    found_P4: Tensor,
    probabilities_PK: Tensor,
    boxes_G4: Tensor,
    labels_G: Tensor,
) -> tuple[Tensor, Tensor]:
    """The object that each point learns, and how sure it should be of it.

    Each object takes those of the points within it that find it best, `CANDIDATES` at most; a point
    that several take learns the one that it overlaps most. Objects between the points have the
    nearest ones.

    Args:
        points_P2: x and y.
        strides_P: Pixels between a point and its neighbours.
        found_P4: What the network has as each point's box, as left, top, right, bottom.
        probabilities_PK: What it has of each class.
        boxes_G4: The G objects' boxes, one at least.
        labels_G: Their classes.

    Returns:
        An index into the objects [P], -1 for none; and a probability [P], that of the overlap for
        an object's best point and less for its others.
    """
    to_edges = torch.cat((points_P2 - boxes_G4[:, None, :2], boxes_G4[:, None, 2:] - points_P2), -1)
    within = to_edges.amin(-1) > 0
    middles = (boxes_G4[:, :2] + boxes_G4[:, 2:]) / 2
    near = (points_P2 - middles[:, None]).abs().amax(-1) <= strides_P / 2
    within |= near & ~within.any(1, keepdim=True)
    overlap = box_iou(boxes_G4, found_P4)
    power, of_overlap = POWERS
    fit = probabilities_PK[:, labels_G].T.clamp(min=LEAST) ** power
    fit = (fit * overlap.clamp(min=LEAST) ** of_overlap) * within
    best = fit.topk(min(CANDIDATES, len(points_P2)), 1).indices
    taken = torch.zeros_like(within).scatter_(1, best, True) & within
    owner = torch.where(taken, overlap, -1.0).argmax(0)
    taken &= owner == torch.arange(len(boxes_G4), device=owner.device)[:, None]
    fit, overlap = fit * taken, overlap * taken
    share = fit / fit.amax(1, keepdim=True).clamp(min=torch.finfo(fit.dtype).tiny)
    sure = (share * overlap.amax(1, keepdim=True)).amax(0)
    return torch.where(taken.any(0), owner, -1), sure
