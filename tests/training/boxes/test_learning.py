"""Boxes move with their pictures; points learn the objects that they are in."""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.ops import box_iou

from convlens.pictures.boxes.read import read_boxes
from convlens.pictures.canvas import Canvas
from convlens.training.boxes.assignment import CANDIDATES, assign
from convlens.training.boxes.augment import BoxAugment
from convlens.training.boxes.canvas_choice import choose_canvas
from convlens.training.boxes.cost import NOTHING, BoxCost
from convlens.training.boxes.examples import BoxExamples, padded_labels
from convlens.training.boxes.network import CHANNELS, BoxNetwork
from convlens.training.boxes.points import boxes_at, grid_points, turned_back
from convlens.training.boxes.strides import STRIDES
from objects import save_objects


def test_boxes_move_with_their_pictures() -> None:
    """A white rectangle on black is found again where its box says, however it was moved."""
    count, height, width = 64, 96, 128
    pixels = torch.zeros(count, 3, height, width)
    labels = torch.full((count, 2, 5), float(NOTHING))
    pixels[:, :, 20:50, 40:90] = 1.0
    labels[:, 0] = torch.tensor((40.0, 20.0, 90.0, 50.0, 1.0))
    augment = BoxAugment(vflip=True, seed=0)
    uniform = torch.from_numpy(augment.table(0, count))
    fitted = torch.tensor((height, width)).expand(count, 2).float()
    moved, boxes = augment(pixels, labels, fitted_N2=fitted, uniform_NU=uniform)
    kept = 0
    for picture, (left, top, right, bottom, k) in zip(moved, boxes[:, 0].tolist(), strict=True):
        if k < 0:
            continue
        kept += 1
        lit = picture.mean(0) > 0.8 * picture.max()
        rows, columns = torch.nonzero(lit.any(1))[:, 0], torch.nonzero(lit.any(0))[:, 0]
        seen = (columns[0].item(), rows[0].item(), columns[-1].item() + 1, rows[-1].item() + 1)
        assert np.allclose(seen, (left, top, right, bottom), atol=1.5)
    assert kept > count * 0.7
    assert (boxes[:, 1, 4] == NOTHING).all()


def test_an_object_is_learnt_by_the_points_that_find_it_best() -> None:
    points, strides = grid_points(64, 96)
    objects = torch.tensor(
        [[8.0, 8.0, 40.0, 40.0], [50.0, 10.0, 90.0, 60.0], [61.0, 1.0, 63.0, 3.0]]
    )
    found = torch.cat((points - 16, points + 16), 1)
    owner, sure = assign(
        points,
        strides,
        found_P4=found,
        probabilities_PK=torch.full((len(points), 2), 0.5),
        boxes_G4=objects,
        labels_G=torch.tensor([0, 1, 1]),
    )
    overlap = box_iou(objects, found)
    for number in range(2):
        mine = torch.nonzero(owner == number)[:, 0]
        assert 1 <= len(mine) <= CANDIDATES
        x, y = points[mine].T
        left, top, right, bottom = objects[number]
        assert ((x > left) & (x < right) & (y > top) & (y < bottom)).all()
        assert sure[mine].max() == overlap[number, mine].max()
    assert (owner == 2).sum() >= 1  # it lies between the points, and has the nearest
    assert (sure[owner < 0] == 0).all()


def test_j_falls_to_nothing_for_answers_that_are_right() -> None:
    points, strides = grid_points(64, 64)
    cost = BoxCost(points, strides)
    box = torch.tensor((10.0, 12.0, 44.0, 50.0))
    targets = torch.tensor([[[*box.tolist(), 0.0], [0, 0, 0, 0, NOTHING]]])
    to_edges = torch.cat((points - box[:2], box[2:] - points), 1)
    inside = to_edges.amin(1) > 0
    distances = (to_edges.clamp(min=0.01) / strides[:, None])[None]
    assert torch.allclose(
        boxes_at(points, strides, distances_NP4=distances)[0, inside],
        box.expand(int(inside.sum()), 4),
    )
    logits = torch.where(inside, 12.0, -12.0)[None, :, None]
    right = cost.loss(torch.cat((distances, logits), 2), targets, batch_labels=targets)
    wrong = cost.loss(torch.cat((distances + 2, -logits), 2), targets, batch_labels=targets)
    empty = torch.full_like(targets, NOTHING)
    nothing = cost.loss(torch.cat((distances, logits - 24), 2), empty, batch_labels=empty)
    assert wrong > 5 * right
    assert nothing < 0.01


def test_a_picture_keeps_its_shape_on_a_canvas() -> None:
    canvas = Canvas(96, 128)
    image = np.full((300, 100, 3), 200, np.uint8)
    placed = canvas.place(image)
    assert placed.shape == (96, 128, 3)
    assert canvas.fitted(300, 100) == (96, 32)
    assert (placed[:, :32] == 200).all()
    assert (placed[:, 32:] == 114).all()
    assert canvas.fitted(1, 100_000) == (1, 128)


def test_what_objects_are_like_decides_how_boxes_begin_and_how_far_they_may_overlap() -> None:
    """A hundred objects beside one another, and of two pairs one overlaps by a half, one wholly."""
    rows = [(40 * n, 0, 40 * n + side, side, 0) for n, side in enumerate(range(1, 31))]
    nested = [(0, 50, 30, 80, 1), (0, 50, 30, 65, 1), (60, 50, 90, 80, 0), (60, 50, 90, 80, 1)]
    labels = padded_labels([np.array(rows, np.float32), np.array(nested, np.float32)])
    examples = BoxExamples(
        np.zeros((2, 8, 8, 3), np.uint8),
        np.arange(2),
        labels=labels,
        fitted=np.full((2, 2), 8, np.float32),
    )
    sides = examples.usual_sides(3)
    assert sides == tuple(sorted(sides))
    assert sides[1] == np.median([*range(1, 31), 30, 30, 30, np.sqrt(30 * 15)])
    assert 0.45 < examples.usual_overlap() <= 0.5  # another class may lie at the same place
    network = BoxNetwork(nn.Identity(), (8, 8, 8), classes=2, sides=sides)
    said = network.head.eval()([torch.zeros(1, CHANNELS, 4, 4)] * 3)
    for distances, side, stride in zip(said.split(16, 1), sides, STRIDES, strict=True):
        assert torch.allclose(2 * stride * distances[..., :4], torch.tensor(side), rtol=0.02)


def test_the_canvas_follows_objects_and_time(tmp_path: Path) -> None:
    large = read_boxes(save_objects(tmp_path / "a", 9, size=(640, 480), sides=(120, 240)))
    small = read_boxes(save_objects(tmp_path / "b", 9, size=(640, 480), sides=(12, 24)))
    assert large is not None
    assert small is not None
    assert choose_canvas(large, None) == choose_canvas(large, 352) == Canvas(320, 416)
    short = choose_canvas(large, None, affordable=lambda pictures: 1000.0 * pictures)
    assert short == choose_canvas(large, 192)
    between = choose_canvas(large, None, affordable=lambda pictures: 256.0**2)
    assert short.width < between.width < choose_canvas(large, None).width
    fine = choose_canvas(small, None)
    assert fine.width > choose_canvas(large, None).width
    assert choose_canvas(small, None, affordable=lambda pictures: 1000.0) == fine  # must be seen


class Pooled(nn.Module):
    """Maps at every stride: means of squares of pixels, which left and right are told apart by."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        slope = x + 0.1 * x.roll(1, -1)
        return [nn.functional.avg_pool2d(slope, stride) for stride in STRIDES]


def test_a_mirrored_picture_is_answered_by_mirrored_boxes() -> None:
    torch.manual_seed(0)
    network = BoxNetwork(Pooled(), (3, 3, 3), classes=2, sides=(8, 16, 32), tta_hflip=True)
    height, width = 64, 96
    pixels = torch.rand(2, 3, height, width)
    points, strides = grid_points(height, width)
    one_view = network(pixels)  # in training
    network.eval()
    said, of_mirrored = network(pixels), network(pixels.flip(-1))
    assert not torch.allclose(said, one_view, atol=1e-4)
    back = turned_back(of_mirrored, height=height, width=width)
    torch.testing.assert_close(back, said, rtol=1e-5, atol=1e-5)
    boxes = boxes_at(points, strides, distances_NP4=said[..., :4])
    mirrored = boxes_at(points, strides, distances_NP4=of_mirrored[..., :4])
    expected = torch.stack(
        (width - boxes[..., 2], boxes[..., 1], width - boxes[..., 0], boxes[..., 3]), -1
    )
    found, wanted = (
        b[0][:, [1, 3, 0, 2]].sort(0).values for b in (mirrored, expected)
    )  # of the same points, in another order
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)
