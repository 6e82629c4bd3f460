"""Images of the data, their reconstructions, and samples from the prior."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inference_gaps.replication.figures.style import TEXT_WIDTH
from inference_gaps.replication.specs.documents import ModelSpec
from inference_gaps.specs.families import label_of

__all__ = ["ImageBlock", "draw_samples", "image_block", "images_drawn", "tile"]

_ROWS = ("data", "reconstruction", "prior sample")


@dataclass(frozen=True)
class ImageBlock:
    """Rows of images under one title; each row is [images, C, H, W] with values in [0, 1]."""

    title: str
    rows: Sequence[NDArray[np.float32]]


def image_block(shown: ModelSpec, rows: Sequence[NDArray[np.float32]]) -> ImageBlock:
    """Return the images of a model under its title."""
    return ImageBlock(f"{shown.dataset_title}: {label_of(shown.trained_with)}", rows)


def images_drawn(
    models: Sequence[ModelSpec], splits: Sequence[str], blocks: Sequence[ImageBlock]
) -> pd.DataFrame:
    """Return one line per image that is drawn: model, seed, split, image."""
    lines = [
        {"model": shown.model, "seed": shown.seed, "split": split, "image": image}
        for shown, split, block in zip(models, splits, blocks, strict=True)
        for image in range(len(block.rows[0]))
    ]
    return pd.DataFrame(lines)


def tile(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Lay rows of images [images, C, H, W] out as one picture [height, width, C], white lines between."""
    count, channels, height, width = rows[0].shape
    shape = (len(rows) * (height + 1) - 1, count * (width + 1) - 1, channels)
    picture = np.ones(shape, dtype=np.float32)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            top, left = row * (height + 1), column * (width + 1)
            picture[top : top + height, left : left + width] = np.moveaxis(image, 0, -1)
    return picture


def draw_samples(blocks: Sequence[ImageBlock]) -> Figure:
    """Draw one block per model, two beside each other."""
    columns = min(2, len(blocks))
    rows = math.ceil(len(blocks) / columns)
    width = TEXT_WIDTH / columns
    height = width * len(_ROWS) / len(blocks[0].rows[0]) + 0.25
    figure = Figure(figsize=(TEXT_WIDTH, rows * height), layout="constrained")
    all_axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for index, (axes, block) in enumerate(zip(all_axes, blocks, strict=False)):
        picture = tile(block.rows)
        cell = picture.shape[0] / len(_ROWS)
        axes.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(block.title)
        axes.set_xticks([])
        labels = _ROWS if index % columns == 0 else [""] * len(_ROWS)
        axes.set_yticks([(row + 0.5) * cell for row in range(len(_ROWS))], labels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    for axes in all_axes[len(blocks) :]:
        axes.set_visible(False)
    return figure
