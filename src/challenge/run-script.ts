import { networkClass, pytorchNetwork } from '../export/pytorch/pytorch-module.ts';
import { paddingValue } from '../image/letterbox.ts';
import type { Preprocessing, ResizeRule } from '../image/preprocessing.ts';
import { roundingOffset } from '../image/resize.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { mirrorTable } from '../labels/mirror.ts';
import type { Model } from '../models/model.ts';
import { type Averaging, networkSides } from '../parser/grid/averaging.ts';
import { leastProbability } from '../parser/grid/probability-sums.ts';

/** What the generated script does with a photo besides running the network. */
export interface RunScriptOptions {
  readonly preprocessing: Preprocessing;
  readonly labelSet: LabelSet;
  /** Views of each photo to average predictions over; default: the photo alone. */
  readonly averaging?: Averaging;
}

/** Python code that depends on how a photo becomes a square. */
interface SquareCode {
  /** `resize_photo(photo, side)` and its helpers. */
  readonly resize: string;
  /** `parse(network, photo)` and its helpers. */
  readonly parse: string;
}

const resizeWeights = `def resize_weights(before, after):
    """Matrix after x before: area weights for downsampling, bilinear weights (half-pixel centres) for upsampling."""
    places, pixels = np.arange(after)[:, None], np.arange(before)[None, :]
    if after < before:
        starts, ends = places * before / after, (places + 1) * before / after
        return np.clip(np.minimum(ends, pixels + 1) - np.maximum(starts, pixels), 0, None) * after / before
    centres = np.clip((2 * places + 1) * before / (2 * after) - 0.5, 0, before - 1)
    return np.clip(1 - np.abs(centres - pixels), 0, None)`;

const squareCode: Readonly<Record<ResizeRule, SquareCode>> = {
  'stretch-area-bilinear': {
    resize: `${resizeWeights}


def resize_photo(photo, side):
    """Resizes H x W x 3 bytes to side x side x 3, ignoring the aspect ratio; halves are rounded up."""
    rows, columns = resize_weights(photo.shape[0], side), resize_weights(photo.shape[1], side)
    resized = np.tensordot(rows, np.tensordot(photo.astype(np.float64), columns, (1, 1)), (1, 0))
    return np.floor(resized + ${roundingOffset}).transpose(0, 2, 1)`,
    parse: `def enlarge(scores, size):
    return F.interpolate(scores, size=size, mode="bilinear", align_corners=False)


@torch.no_grad()
def parse(network, photo):
    """Predicts the class ids, H x W, of a photo, H x W x 3."""
    scores = [network(images) for images in views(photo)]
    if len(scores) > 1 or FLIP:
        grid = scores[-1].shape[2:]  # of the largest square
        probabilities = []
        for one in scores:
            one = torch.softmax(enlarge(one, grid), dim=1)
            probabilities.append(one[:1])
            if FLIP:
                probabilities.append(one[1:, MIRRORED].flip(3))
        scores = [torch.cat(probabilities).mean(0, keepdim=True).clamp(min=${leastProbability}).log()]
    return enlarge(scores[0], photo.shape[:2]).argmax(1)[0].numpy().astype(np.uint8)`,
  },
  'letterbox-area-bilinear': {
    resize: `${resizeWeights}


def margins(photo, side):
    """Rows above and columns left of a photo, H x W x 3, in a square; as many are below and right of it."""
    longest = max(photo.shape[:2])
    return [min((side * (longest - extent) + longest) // (2 * longest), (side - 1) // 2) for extent in photo.shape[:2]]


def resize_photo(photo, side):
    """Fits H x W x 3 bytes into side x side x 3, centred on grey; halves are rounded up."""
    top, left = margins(photo, side)
    rows, columns = resize_weights(photo.shape[0], side - 2 * top), resize_weights(photo.shape[1], side - 2 * left)
    resized = np.tensordot(rows, np.tensordot(photo.astype(np.float64), columns, (1, 1)), (1, 0))
    square = np.full((side, side, 3), ${paddingValue}.0)
    square[top:side - top, left:side - left] = np.floor(resized + ${roundingOffset}).transpose(0, 2, 1)
    return square`,
    parse: `def axes(photo, side, cells):
    """Rows and columns of a grid of scores: the number of cells, and start and length of the photo in cells."""
    return [(cells, margin * cells / side, (side - 2 * margin) * cells / side) for margin in margins(photo, side)]


def axis_weights(source, target):
    """Matrix of bilinear weights from the cells of an axis, without the padding, to the places of another."""
    (cells, start, length), (places, begin, extent) = source, target
    first = min(max(0, int(np.ceil(start - 0.5))), (cells - 1) // 2)
    positions = start + (np.arange(places) + 0.5 - begin) / extent * length - 0.5
    positions = np.clip(positions, first, cells - 1 - first)
    weights = np.clip(1 - np.abs(positions[:, None] - np.arange(cells)), 0, None)
    return torch.from_numpy(weights.astype(np.float32))


def enlarge(scores, source, target):
    rows, columns = (axis_weights(*pair) for pair in zip(source, target))
    return rows @ scores @ columns.T


@torch.no_grad()
def parse(network, photo):
    """Predicts the class ids, H x W, of a photo, H x W x 3."""
    scores = [network(images) for images in views(photo)]
    grids = [axes(photo, side, one.shape[-1]) for side, one in zip(SIDES, scores)]
    if len(scores) > 1 or FLIP:
        probabilities = []
        for one, grid in zip(scores, grids):
            one = torch.softmax(enlarge(one, grid, grids[-1]), dim=1)
            probabilities.append(one[:1])
            if FLIP:
                probabilities.append(one[1:, MIRRORED].flip(3))
        scores = [torch.cat(probabilities).mean(0, keepdim=True).clamp(min=${leastProbability}).log()]
    pixels = [(extent, 0, extent) for extent in photo.shape[:2]]
    return enlarge(scores[0], grids[-1], pixels).argmax(1)[0].numpy().astype(np.uint8)`,
  },
};

/**
 * Writes `run.py`, a single file that contains the network and predicts the same masks as faceparse's own parser.
 * It requires torch, numpy and Pillow.
 *
 *     python run.py --input IMG --output PNG --weights ckpt.pth
 */
export function runScript(model: Model, { preprocessing, labelSet, averaging }: RunScriptOptions): string {
  const { size, mean, std } = preprocessing;
  const code = squareCode[preprocessing.resize];
  const sides = networkSides(size, model.multiple, averaging?.scales ?? []);
  const mirror = [...mirrorTable(labelSet).subarray(0, labelSet.classes.length)];
  return `"""Face parsing: predicts the class of every pixel of a photo and writes a palette PNG. Generated by faceparse.

    python run.py --input IMG --output PNG --weights ckpt.pth

IMG and PNG may also be folders; every photo in IMG then gets a mask in PNG.
Requires torch, numpy and Pillow.
"""
import argparse
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps
${pytorchNetwork(model)}

SIDES = [${sides.join(', ')}]  # the photo is resized to squares of these sides; the results are averaged
FLIP = ${averaging?.flip ? 'True' : 'False'}  # whether to add the mirror image of each square
MEAN, STD = (${mean.join(', ')}), (${std.join(', ')})  # for red, green and blue, with values from 0 to 1
CLASSES = [${labelSet.classes.map(({ name }) => `"${name}"`).join(', ')}]
MIRRORED = [${mirror.join(', ')}]  # the class that each class becomes in the mirror image
PALETTE = [
${labelSet.classes.map(({ color, name }) => `    ${color.join(', ')},  # ${name}`).join('\n')}
]


${code.resize}


def views(photo):
    """Yields the network input, N x 3 x side x side, for each side; N is 2 with the mirror image."""
    for side in SIDES:
        scaled = (resize_photo(photo, side) / 255 - np.array(MEAN)) / np.array(STD)
        image = torch.from_numpy(scaled.transpose(2, 0, 1).astype(np.float32)[None])
        yield torch.cat([image, image.flip(3)]) if FLIP else image


${code.parse}


def srgb_transform(profile):
    """Builds the transform from an embedded colour profile to sRGB; None if the profile is not for RGB."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (ImportError, OSError, ImageCms.PyCMSError):
        return None


def read_photo(path):
    """Reads H x W x 3 bytes: upright, sRGB, transparency on white. Profiles of CMYK and grey images are ignored."""
    image = ImageOps.exif_transpose(Image.open(path))
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16-bit grey
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    transform = srgb_transform(profile) if profile and image.mode not in ("CMYK", "L", "LA") else None
    image = image.convert("RGBA")
    colors = image.convert("RGB")
    if transform:
        colors = ImageCms.applyTransform(colors, transform)
    opacity = np.asarray(image.getchannel("A"), dtype=np.uint16)[:, :, None]
    return ((opacity * np.asarray(colors) + (255 - opacity) * 255) // 255).astype(np.uint8)


def write_mask(labels, path):
    mask = Image.fromarray(labels, mode="P")
    mask.putpalette(PALETTE)
    path.parent.mkdir(parents=True, exist_ok=True)
    mask.save(path, format="PNG")


def load(path):
    """Loads the network with the weights of a checkpoint, in evaluation mode."""
    network = ${networkClass}()
    network.load_state_dict(torch.load(path, map_location="cpu")["state_dict"])
    return network.eval()


def main():
    parser = argparse.ArgumentParser(description="Predicts the class of every pixel of a face photo and writes a palette PNG.")
    parser.add_argument("--input", required=True, type=Path, help="a photo or a folder of photos")
    parser.add_argument("--output", required=True, type=Path, help="output file, or output folder for a folder of photos")
    parser.add_argument("--weights", default=Path(__file__).with_name("ckpt.pth"), type=Path, help="checkpoint (default: ckpt.pth next to run.py)")
    arguments = parser.parse_args()
    network = load(arguments.weights)
    jobs = [(arguments.input, arguments.output)]
    if arguments.input.is_dir():
        names = sorted(path for path in arguments.input.iterdir() if not path.name.startswith("."))
        photos = [path for path in names if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")]
        jobs = [(path, arguments.output / f"{path.stem}.png") for path in photos]
    for photo, mask in jobs:
        write_mask(parse(network, read_photo(photo)), mask)


if __name__ == "__main__":
    main()
`;
}

/** Requirements of `run.py`: the oldest tested versions. */
export const requirements = 'torch>=1.13\nnumpy>=1.24\nPillow>=9.4\n';
