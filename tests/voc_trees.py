"""Small VOC trees for tests, written image by image."""

from pathlib import Path

from PIL import Image


class Tree:
    """Writes a VOC tree, image by image."""

    def __init__(self, root):
        self.root = Path(root)
        self.splits = self.root / "ImageSets" / "Main"
        for folder in (self.root / "Annotations", self.root / "JPEGImages", self.splits):
            folder.mkdir(parents=True)

    def add(self, image_id, objects=(), size=(40, 30), xml_size=None, suffix=".png", orientation=None):
        """An image of one colour; objects: (name, (xmin, ymin, xmax, ymax)), and True if difficult."""
        self.image(image_id, suffix).parent.mkdir(exist_ok=True)
        exif = Image.Exif()
        if orientation is not None:
            exif[0x0112] = orientation
        Image.new("RGB", size, (200, 100, 50)).save(self.image(image_id, suffix), exif=exif)
        self.xml(image_id).write_text(annotation_xml(objects, xml_size or size))
        with open(self.splits / "train.txt", "a", encoding="utf-8") as file:
            print(image_id, file=file)
        return self

    def image(self, image_id, suffix=".png"):
        return self.root / "JPEGImages" / f"{image_id}{suffix}"

    def xml(self, image_id):
        return self.root / "Annotations" / f"{image_id}.xml"

    def list(self, split, text):
        (self.splits / f"{split}.txt").write_text(text, encoding="utf-8")
        return self


def annotation_xml(objects, size):
    parts = [f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"]
    for name, box, *difficult in objects:
        tags = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        corners = "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags)
        mark = int(any(difficult))
        parts.append(f"<object><name>{name}</name><difficult>{mark}</difficult><bndbox>{corners}</bndbox></object>")
    return f"<annotation>{''.join(parts)}</annotation>"
