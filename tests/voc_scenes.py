"""VOC files of the scene of known colours (scenes.py), and whether the boxes that are loaded lie on their colours."""

from pathlib import Path

import numpy as np
from PIL import Image
from scenes import BLUE, BLUE_BOX, RED, RED_BOX, scene

COLOURS = {"red": RED, "blue": BLUE}


def bndbox(box):
    """The element of a box that is given by its edges."""
    x_min, y_min, x_max, y_max = box
    tags = {"xmin": x_min + 1, "ymin": y_min + 1, "xmax": x_max, "ymax": y_max}
    return "<bndbox>" + "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags.items()) + "</bndbox>"


RED_XML = f"<object><name>red</name>{bndbox(RED_BOX)}</object>"
BLUE_XML = f"<object><name>blue</name>{bndbox(BLUE_BOX)}</object>"
BOTH = RED_XML + BLUE_XML


def boxed(*boxes, name="red"):
    """An object of each of these elements of boxes."""
    return "".join(f"<object><name>{name}</name>{box}</object>" for box in boxes)


def voc_xml(objects=BOTH, size=(160, 120), file_name=""):
    width, height = size
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>{file_name}</filename>{size}{objects}</annotation>"


def put_image(path, pixels=None, **options):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene() if pixels is None else pixels).save(path, **options)


def put(root, image, xml=None, text=None):
    """An image of the scene and its annotation, as paths below a root; text: str or bytes, what the XML holds."""
    suffix = Path(image).suffix.lower()
    put_image(root / image, **({"quality": 95} if suffix in (".jpg", ".jpeg", ".jfif") else {}))
    if xml is not None:
        path = root / xml
        path.parent.mkdir(parents=True, exist_ok=True)
        text = voc_xml() if text is None else text
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def put_tree(root, texts=None, images=("img0.png", "img1.png"), lists=None):
    """A VOC tree of scenes; texts: {id: XML}, lists: {name: text or bytes}, all images in train without it."""
    for name in images:
        image_id = name.rpartition(".")[0]
        put(root, f"JPEGImages/{name}", f"Annotations/{image_id}.xml", (texts or {}).get(image_id))
    ids = [name.rpartition(".")[0] for name in images]
    put_lists(root, {"train": "\n".join(ids)} if lists is None else lists)
    return root


def put_lists(root, lists, folder="ImageSets/Main"):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, text in lists.items():
        (root / folder / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())


def off_colour(dataset):
    """The boxes of a set that do not lie on the colour that their class is called after; every other one does.

    A box lies on its colour if the picture has that colour inside, and other ones right outside of it.
    """
    wrong = []
    for index in range(len(dataset)):
        sample = dataset[index]
        height, width = sample.image.shape[:2]
        for corners, label in zip(sample.corners, sample.labels, strict=True):
            x_min, y_min, x_max, y_max = np.round(corners * [width, height, width, height]).astype(int)
            is_colour = np.abs(sample.image.astype(int) - COLOURS[dataset.classes[label]]).max(axis=2) < 60
            whole = is_colour.sum()
            inside = is_colour[y_min:y_max, x_min:x_max]
            if inside.mean() < 0.9 or inside.sum() < 0.9 * whole:
                wrong.append((sample.id, dataset.classes[label], (x_min, y_min, x_max, y_max)))
    return wrong


def count_boxes(dataset):
    return sum(len(dataset.objects(i).labels) for i in range(len(dataset)))
