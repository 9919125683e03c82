"""timm's parts, put together as its training script does by default (the package leaves it out):
ResNet-18, random resized crops, flips and colour, SGD with Nesterov momentum on a cosine.

python run_timm.py FOLDER SIZE EPOCHS
"""

import sys

import torch
from epochs import report_epoch
from timm.data import create_dataset, create_loader
from timm.models import create_model
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2

BATCH, WORKERS = 128, 2
RATE = 0.1 * BATCH / 256


def main() -> None:
    folder, size, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(42)
    train, val = (create_dataset("", folder, split=split) for split in ("train", "val"))
    model = create_model("resnet18", num_classes=len(train.reader.class_to_idx))
    usual = {
        "input_size": (3, size, size),
        "batch_size": BATCH,
        "num_workers": WORKERS,
        "device": torch.device("cpu"),
        "use_prefetcher": False,
        "pin_memory": False,
    }
    learn = create_loader(
        train, is_training=True, hflip=0.5, color_jitter=0.4, interpolation="random", **usual
    )
    judged = create_loader(val, interpolation="bilinear", crop_pct=0.875, **usual)
    optimizer = create_optimizer_v2(model, opt="sgd", lr=RATE, momentum=0.9, weight_decay=2e-5)
    schedule, _ = create_scheduler_v2(
        optimizer, sched="cosine", num_epochs=epochs, warmup_epochs=min(5, epochs // 4)
    )
    loss = torch.nn.CrossEntropyLoss()
    for epoch in range(epochs):
        schedule.step(epoch)
        model.train()
        for pixels, labels in learn:
            optimizer.zero_grad()
            loss(model(pixels), labels).backward()
            optimizer.step()
        model.eval()
        right = 0
        with torch.inference_mode():
            for pixels, labels in judged:
                right += int((model(pixels).argmax(1) == labels).sum())
        report_epoch(epoch=epoch + 1, accuracy=right / len(val))


if __name__ == "__main__":
    main()
