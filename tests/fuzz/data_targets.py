"""Data sets: annotations, lists, pictures, masks, digits, videos, folders."""

import io
import json
from pathlib import Path

import numpy as np
from coco_sets import CocoSet
from fuzz.mutations import mutated_bytes, mutated_json, mutated_text
from fuzz.target import Target, opened, require, sound
from idx_files import write_digits
from mask_trees import MaskTree, square_mask
from PIL import Image
from voc_trees import Tree
from yolo_sets import yolo

from minissd.data.images import FORMATS, read_header, read_image
from minissd.data.pennfudan import to_voc_tree
from minissd.data.video import open_video, write_video


def voc_tree(folder):
    tree = Tree(folder / "tree")
    tree.add("a", [("cat", (3, 4, 20, 25)), ("dog", (5, 5, 39, 29), True)])
    return tree.add("b", [("dog", (1, 1, 40, 30))])


def voc_xml(folder):
    path = voc_tree(folder).xml("a")
    extras = "<filename>a.png</filename><folder>JPEGImages</folder><segmented>0</segmented>"
    polygon = "<polygon><x1>3</x1><y1>4</y1><x2>9</x2><y2>4</y2><x3>9</x3><y3>9</y3></polygon>"
    text = path.read_text().replace("<annotation>", f"<annotation>{extras}")
    path.write_text(text.replace("</bndbox>", f"</bndbox>{polygon}", 1))
    return path


def voc_list(folder):
    return voc_tree(folder).splits / "train.txt"


def coco(folder):
    coco = CocoSet(folder / "coco")
    coco.add("a.png", [(1, [3, 4, 10, 12]), (7, [0, 0, 40, 30], True)]).add("b.png", [(3, [1, 1, 5.5, 5.5])])
    coco.content["annotations"][0]["segmentation"] = {"size": [30, 40], "counts": [5, 20, 1175]}
    coco.content["annotations"][1]["segmentation"] = {"size": [30, 40], "counts": "0l0o0"}
    return coco.save()


def yolo_label(folder):
    (folder / "yolo").mkdir()
    return next((yolo(folder / "yolo") / "labels" / "train").glob("*.txt"))


def yolo_yaml(folder):
    (folder / "yolo").mkdir()
    names = {"0": "red", "1": "blue"}
    content = {"path": ".", "train": ["images/train"], "val": "images/train", "nc": 2, "names": names}
    return yolo(folder / "yolo", json.dumps(content)) / "data.yaml"


def pennfudan(folder):
    for name in ("Annotation", "PNGImages", "PedMasks"):
        (folder / "fudan" / name).mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(folder / "fudan" / "PNGImages" / "FudanPed00001.png")
    Image.new("L", (40, 30), 1).save(folder / "fudan" / "PedMasks" / "FudanPed00001_mask.png")
    path = folder / "fudan" / "Annotation" / "FudanPed00001.txt"
    path.write_text(
        "# Compatible with PASCAL Annotation Version 1.00\n"
        'Image filename : "PennFudanPed/PNGImages/FudanPed00001.png"\n'
        "Image size (X x Y x C) : 40 x 30 x 3\n"
        'Objects with ground truth : 1 { "PASpersonWalking" }\n'
        '# Details for pedestrian 1 ("PASpersonWalking")\n'
        'Original label for object 1 "PASpersonWalking" : "PennFudanPed"\n'
        'Bounding box for object 1 "PASpersonWalking" (Xmin, Ymin) - (Xmax, Ymax) : (5, 6) - (20, 25)\n'
        'Pixel mask for object 1 "PASpersonWalking" : "PennFudanPed/PedMasks/FudanPed00001_mask.png"\n'
    )
    return path


def read_pennfudan(path, out):
    to_voc_tree(path.parents[1], out / "tree")
    if next((out / "tree" / "ImageSets" / "Main").glob("train.txt")).read_text().strip():
        opened(out / "tree")


def picture(suffix, **options):
    def write(folder):
        path = folder / f"picture.{suffix}"
        pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
        exif = Image.Exif()
        exif[0x0112] = 6
        image = Image.fromarray(pixels)
        if suffix in ("ppm", "bmp", "gif"):
            image.save(path, **options)
        elif options.get("deep"):
            Image.fromarray(pixels[..., 0].astype(np.uint16) << 8).save(path)
        else:
            image.save(path, exif=exif, **options)
        return path

    return sound(write)


def read_picture(path, out):
    header, image = read_header(path), read_image(path)
    sides = (header.height, header.width)
    require(image.dtype == np.uint8 and image.shape[2:] == (3,), f"image {image.shape}")
    require(image.shape[:2] == (sides[::-1] if header.swaps_sides else sides), f"{header} but {image.shape}")
    read_image(path, 4)


PICTURES: dict[str, dict] = {
    **{suffix: {} for suffix in ("jpg", "png", "bmp", "gif", "tif", "webp", "ppm")},
    "mpo": {"format": "MPO"},
    "jpeg": {"progressive": True},
    "tiff": {"compression": "tiff_lzw"},
    "deep.png": {"deep": True},
    **({"avif": {}} if "AVIF" in FORMATS else {}),
}


def mask_tree(folder):
    tree = MaskTree(folder / "masks")
    rng = np.random.default_rng(0)
    for name in "abc":
        tree.add(name, square_mask(rng, (24, 32), 1 + (name == "b")))
    return tree


def mask(folder):
    return mask_tree(folder).mask("a")


def mask_list(name, text):
    def write(folder):
        path = mask_tree(folder).root / name
        path.write_text(text)
        return path

    return sound(write)


def digits(suffix, kind):
    return sound(lambda folder: next(write_digits(folder / "digits", 12, 4, suffix, 6).glob(f"train-{kind}*")))


def video(suffix):
    def write(folder):
        path = folder / "clip.mp4"
        with write_video(path, 10) as add:
            for shade in range(6):
                add(np.full((32, 48, 3), 40 * shade, np.uint8))
        return path.rename(path.with_suffix(suffix))

    return sound(write)


def read_video(path, out):
    with open_video(path) as clip:
        require(0 < clip.fps <= 1000 and (clip.frame_count is None or clip.frame_count >= 1), f"{clip}")
        for _, frame in zip(range(50), clip.frames):
            require(frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3 and frame.size, frame.shape)


def names_of_folders(folder):
    """A list of paths, of which `read_folders` makes pictures in class folders."""
    path = folder / "names.txt"
    path.write_text("train/cat/a.png\ntrain/cat/b.jpg\ntrain/dog/c.png\nval/cat/d.png\nval/dog/deep/e.png\n")
    return path


def read_folders(path, out):
    root = out / "set"
    root.mkdir()
    for line in path.read_bytes().replace(b"\0", b"").split(b"\n"):
        parts = [part for part in line.decode("utf-8", "surrogateescape").split("/") if part not in ("", ".", "..")]
        place = Path(root, *parts)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            content = io.BytesIO()
            Image.new("RGB", (8, 8)).save(content, "PNG")
            place.write_bytes(content.getvalue())
        except (OSError, UnicodeEncodeError):  # what no file can be called
            pass
    opened(root, "classify")


DATA = (
    Target("VOC XML", sound(voc_xml), mutated_text, lambda path, out: opened(path.parents[1])),
    Target("lists of a split", sound(voc_list), mutated_text, lambda path, out: opened(path.parents[2])),
    Target("COCO JSON, bytes", sound(coco), mutated_text, lambda path, out: opened(path)),
    Target("COCO JSON, structure", sound(coco), mutated_json, lambda path, out: opened(path)),
    Target("YOLO labels", sound(yolo_label), mutated_text, lambda path, out: opened(path.parents[2])),
    Target("data.yaml, bytes", sound(yolo_yaml), mutated_text, lambda path, out: opened(path)),
    Target("data.yaml, structure", sound(yolo_yaml), mutated_json, lambda path, out: opened(path)),
    Target("Penn-Fudan", sound(pennfudan), mutated_text, read_pennfudan),
    *(
        Target(f"picture, {suffix}", picture(suffix, **options), mutated_bytes, read_picture)
        for suffix, options in PICTURES.items()
    ),
    Target("masks", sound(mask), mutated_bytes, lambda path, out: opened(path.parents[1], "segment")),
    *(
        Target(name, mask_list(name, text), mutated_text, lambda path, out: opened(path.parent, "segment"))
        for name, text in (
            ("classes.txt", "cat\ndog\n"),
            ("labelmap.txt", "# name:color:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\ndog:0,128,0::\n"),
        )
    ),
    *(
        Target(
            f"MNIST {kind}{suffix}",
            digits(suffix, kind),
            mutated_bytes,
            lambda path, out: opened(path.parent, "classify"),
        )
        for kind in ("images", "labels")
        for suffix in (".gz", "")
    ),
    *(Target(f"video, {suffix}", video(suffix), mutated_bytes, read_video, 12) for suffix in (".mp4", ".avi")),
    Target("class folders", sound(names_of_folders), mutated_text, read_folders, names=("set",)),
)
