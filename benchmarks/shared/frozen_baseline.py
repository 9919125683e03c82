"""The usual alternative to a training: frozen ImageNet features under a logistic regression."""

import numpy as np
import numpy.typing as npt

from convlens.network.pretrained import WEIGHTS_PACKAGES, WeightsPackage, imagenet_parameters
from shared.pictures import Labelled


def right_by_frozen_features(
    pictures: Labelled, held: npt.NDArray[np.bool_], known: WeightsPackage = WEIGHTS_PACKAGES[0]
) -> npt.NDArray[np.bool_]:
    """Whether it answers each held-out picture rightly, from one look at the published size."""
    import timm
    import torch
    from PIL import Image
    from sklearn.linear_model import LogisticRegression

    network = timm.create_model(known.architecture, num_classes=1000).eval()
    network.load_state_dict(imagenet_parameters(known))
    config = timm.data.resolve_model_data_config(network)
    side = config["input_size"][-1]
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    features = []
    with torch.inference_mode():
        for first in range(0, len(pictures), 8):
            images = [
                np.asarray(Image.open(path).convert("RGB").resize((side, side)))
                for path, _ in pictures[first : first + 8]
            ]
            pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
            maps = network.forward_features((pixels - mean) / std)
            features.append(network.forward_head(maps, pre_logits=True))
    x = torch.cat(features).numpy()
    y = np.array([label for _, label in pictures])
    fitted = LogisticRegression(max_iter=5000).fit(x[~held], y[~held])
    right: npt.NDArray[np.bool_] = fitted.predict(x[held]) == y[held]
    return right
