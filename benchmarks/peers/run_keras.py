"""Keras on TensorFlow: the network and the way of TensorFlow's image classification tutorial.

python run_keras.py FOLDER SIZE EPOCHS
"""

import sys
from pathlib import Path

import keras
import tensorflow
from epochs import report_epoch


def main() -> None:
    folder, size, epochs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    train, val = (
        keras.utils.image_dataset_from_directory(
            folder / split, image_size=(size, size), batch_size=32, verbose=False
        )
        for split in ("train", "val")
    )
    classes = len(train.class_names)
    train = train.cache().shuffle(1000).prefetch(tensorflow.data.AUTOTUNE)
    val = val.cache().prefetch(tensorflow.data.AUTOTUNE)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    report = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: report_epoch(
            epoch=epoch + 1, accuracy=float(logs["val_accuracy"])
        )
    )
    model.fit(train, validation_data=val, epochs=epochs, verbose=0, callbacks=[report])


if __name__ == "__main__":
    main()
