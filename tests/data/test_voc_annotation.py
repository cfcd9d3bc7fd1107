"""XML as tools write it: boxes on their colours whatever the encoding, the shape or the order; or what is wrong."""

import unicodedata

import numpy as np
import pytest
from PIL import Image
from scenes import BLUE, BLUE_BOX, RED, RED_BOX, as_stored, scene
from voc_scenes import BLUE_XML, BOTH, RED_XML, bndbox, count_boxes, off_colour, put_image, put_tree, voc_xml

from minissd.data import open_dataset
from minissd.data.placing import FRACTIONS, NO_EXTENT, OVER_THE_EDGE, SCALED, SWAPPED, WRONG_SIZE
from minissd.data.samples import ALIKE, NO_CLASS, REPEATED, UNSEEN
from minissd.data.voc import VocDataset
from minissd.data.voc_annotation import AROUND, UNSURE, read_annotation
from minissd.errors import MinissdError


@pytest.fixture
def opened(tmp_path):
    """A tree of two scenes opened: the XML of the first as given, that of the second as it should be."""

    def opened(text, **options):
        return VocDataset(put_tree(tmp_path / "data", {"img0": text}), "train", **options)

    return opened


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "a.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_annotation(path)

    return read


@pytest.fixture
def refused(read, one_line, tmp_path):
    def refused(text, *says):
        with pytest.raises(MinissdError) as caught:
            read(text)
        one_line(caught, tmp_path / "a.xml", *says)

    return refused


def boxed(*boxes, name="red"):
    return "".join(f"<object><name>{name}</name>{box}</object>" for box in boxes)


# Encodings.

CODECS = ["gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-8859-1", "windows-1252", "koi8-r"]
WORDS = {"iso-8859-1": "Fußgänger", "windows-1252": "Fußgänger", "koi8-r": "машина", "euc-kr": "자동차", "big5": "汽車"}


@pytest.mark.parametrize("codec", CODECS)
def test_every_encoding_that_is_declared(read, refused, codec):
    word = WORDS.get(codec, "汽車" if codec in ("shift_jis", "euc-jp") else "汽车")
    text = f'<?xml version="1.0" encoding="{codec}"?>\n' + voc_xml(RED_XML.replace("red", word))
    assert read(text.encode(codec)).names == [word]


@pytest.mark.parametrize("declared", ["utf-8", "UTF-16", None])
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_mark_at_the_start_goes_before_what_is_declared(read, codec, declared):
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    assert read((head + voc_xml(RED_XML.replace("red", "汽车"))).encode(codec)).names == ["汽车"]


def test_dotnet_says_utf16_of_what_it_saves_as_utf8(read):
    text = '<?xml version="1.0" encoding="utf-16"?>\r\n' + voc_xml(RED_XML.replace("red", "汽车"))
    assert read(text).names == ["汽车"] and read("\ufeff" + text).names == ["汽车"]


@pytest.mark.parametrize("declared", ["utf-8", "UTF-8", None, "ascii"])
@pytest.mark.parametrize("codec", ["gbk", "latin-1", "shift_jis"])
def test_another_encoding_than_is_declared(refused, codec, declared):
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    word = "naïf" if codec == "latin-1" else "汽車"
    text = (head + voc_xml(RED_XML.replace("red", word))).encode(codec if codec != "gbk" else "gb18030")
    refused(text, "not in ", (declared or "utf-8").upper(), "save it as UTF-8")


# Forms of elements.


def test_namespaces(opened):
    dataset = opened(voc_xml().replace("<annotation>", '<annotation xmlns="http://x.y/voc" xmlns:a="b" a:c="1">'))
    assert count_boxes(dataset) == 4 and off_colour(dataset) == [] and dataset.notes == []


@pytest.mark.parametrize("order", [("xmin", "xmax", "ymin", "ymax"), ("ymax", "xmax", "ymin", "xmin")])
def test_corners_in_any_order_of_elements(opened, order):
    """Roboflow's order, and Matlab's of the first years of PASCAL; the box before the name."""
    numbers = dict(zip(("xmin", "ymin", "xmax", "ymax"), np.add(RED_BOX, (1, 1, 0, 0)).tolist(), strict=True))
    box = "<bndbox>" + "".join(f"<{tag}>{numbers[tag]}</{tag}>" for tag in order) + "</bndbox>"
    dataset = opened(voc_xml(f"<object>{box}<difficult>0</difficult><name>red</name></object>{BLUE_XML}"))
    assert off_colour(dataset) == [] and dataset.notes == []


@pytest.mark.parametrize("corner", [0, 1, 2])
def test_corners_of_boxes_that_were_drawn_the_other_way(opened, corner):
    x_min, y_min, x_max, y_max = np.add(RED_BOX, (1, 1, 0, 0))
    box = [(x_max, y_max, x_min, y_min), (x_max, y_min, x_min, y_max), (x_min, y_max, x_max, y_min)][corner]
    dataset = opened(voc_xml(boxed(bndbox(np.add(box, (-1, -1, 0, 0)))) + BLUE_XML))
    assert off_colour(dataset) == [] and dataset.notes == [f"{SWAPPED}: 1 (first: img0)"]


def test_parts_and_points_of_an_object_are_no_boxes_of_it(opened):
    part = f"<part><name>head</name>{bndbox((0, 0, 5, 5))}</part><point><x>3</x><y>4</y></point>"
    extras = f"{part}<pose>Left</pose><truncated>1</truncated><occluded>0</occluded><attributes/>"
    dataset = opened(voc_xml(BOTH.replace("<name>", f"{extras}<name>")))
    assert dataset.classes == ("blue", "red") and off_colour(dataset) == [] and dataset.notes == []


AS_WRITTEN_BY = {
    "LabelImg": """<annotation>
        <folder>JPEGImages</folder><filename>img0.png</filename><path>C:\\me\\JPEGImages\\img0.png</path>
        <source><database>Unknown</database></source>
        <size><width>160</width><height>120</height><depth>3</depth></size><segmented>0</segmented>
        <object><name>red</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>
            <bndbox><xmin>11</xmin><ymin>21</ymin><xmax>60</xmax><ymax>50</ymax></bndbox></object>
        </annotation>""",
    "CVAT": """<annotation><folder></folder><filename>img0.png</filename>
        <source><database>Unknown</database><annotation>Unknown</annotation><image>Unknown</image></source>
        <size><width>160</width><height>120</height><depth></depth></size><segmented>0</segmented>
        <object><name>red</name><truncated>0</truncated><occluded>1</occluded><difficult>0</difficult>
            <bndbox><xmin>10.0</xmin><ymin>20.0</ymin><xmax>60.0</xmax><ymax>50.0</ymax></bndbox>
            <attributes><attribute><name>rotation</name><value>0.0</value></attribute>
            <attribute><name>track_id</name><value>7</value></attribute></attributes></object>
        </annotation>""",
    "VoTT": """<annotation verified="yes"><folder>Annotation</folder><filename>img0.png</filename>
        <path>my-PascalVOC-export/Annotations/img0.png</path><source><database>Unknown</database></source>
        <size><width>160</width><height>120</height><depth>3</depth></size><segmented>0</segmented>
        <object><name>red</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult><bndbox>
            <xmin>10.4</xmin><ymin>20.3</ymin><xmax>59.8</xmax><ymax>50.2</ymax></bndbox></object></annotation>""",
    "Roboflow": """<annotation><folder></folder><filename>img0.png</filename><path>img0.png</path>
        <source><database>roboflow.com</database></source>
        <size><width>160</width><height>120</height><depth>3</depth></size><segmented>0</segmented>
        <object><name>red</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult><occluded>0</occluded>
            <bndbox><xmin>11</xmin><xmax>60</xmax><ymin>21</ymin><ymax>50</ymax></bndbox>
            <polygon><x1>10</x1><y1>20</y1><x2>59</x2><y2>20</y2><x3>59</x3><y3>49</y3></polygon></object></annotation>""",
    "PASCAL's Matlab": """<annotation><filename>img0.png</filename><folder>VOC2012</folder>
        <object><name>red</name><actions><jumping>0</jumping></actions>
            <bndbox><xmax>60</xmax><xmin>11</xmin><ymax>50</ymax><ymin>21</ymin></bndbox><difficult>0</difficult>
            <part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></part>
            <pose>Frontal</pose><point><x>20</x><y>30</y></point></object>
        <segmented>0</segmented><size><depth>3</depth><height>120</height><width>160</width></size>
        <source><annotation>PASCAL VOC2012</annotation><database>VOC2012</database></source></annotation>""",
}


@pytest.mark.parametrize("tool", AS_WRITTEN_BY)
def test_as_tools_write_it(opened, tool):
    dataset = opened(AS_WRITTEN_BY[tool])
    assert [len(dataset.objects(i).labels) for i in range(2)] == [1, 2] and off_colour(dataset) == []
    assert dataset.classes == ("blue", "red") and dataset.notes == []


def test_objects_that_were_deleted(opened):
    gone = boxed("<deleted>1</deleted>" + bndbox((0, 0, 9, 9)))
    dataset = opened(voc_xml(gone + BOTH.replace("<name>", "<deleted>0</deleted><name>")))
    assert off_colour(dataset) == [] and count_boxes(dataset) == 4
    assert opened(voc_xml(gone)).objects(0).labels.tolist() == []


def rotated(center_x, center_y, width, height, angle):
    tags = {"cx": center_x, "cy": center_y, "w": width, "h": height, "angle": angle}
    return "<robndbox>" + "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags.items()) + "</robndbox>"


def rotation(degrees):
    attribute = f"<attribute><name>rotation</name><value>{degrees}</value></attribute>"
    return f"<attributes><attribute><name>colour</name><value>x</value></attribute>{attribute}</attributes>"


@pytest.mark.parametrize(
    "shape",
    [
        rotated(35, 35, 50, 30, 0),
        rotated(35, 35, 30, 50, np.pi / 2),
        rotated(35, 35, 50, 30, np.pi) + "<bndbox/>",
        "<polygon><x1>10</x1><y1>20</y1><x2>60</x2><y2>20</y2><x3>60</x3><y3>50</y3></polygon>",
        "<polygon><pt><x>10</x><y>30</y></pt><pt><x>35</x><y>20</y></pt><pt><x>60</x><y>50</y></pt></polygon>",
        bndbox((20, 10, 50, 60))
        + "<attributes><attribute><name>rotation</name><value>90.0</value></attribute></attributes>",
    ],
)
def test_rotated_boxes_and_polygons_give_the_box_around_them(opened, shape):
    dataset = opened(voc_xml(boxed(shape) + BLUE_XML))
    assert off_colour(dataset) == [] and dataset.notes == [f"{AROUND}: 1 (first: img0)"]


def test_the_box_around_one_turned_by_30_degrees(read):
    """Its width is w cos + h sin = 40 * .866 + 20 * .5 = 44.641, its height w sin + h cos = 37.3205."""
    expected = [80 - 22.3205 + 1, 60 - 18.6603 + 1, 80 + 22.3205, 60 + 18.6603]
    for shape in (rotated(80, 60, 40, 20, np.pi / 6), bndbox((60, 50, 100, 70)) + rotation(30)):
        np.testing.assert_allclose(read(voc_xml(boxed(shape))).boxes, [expected], atol=1e-3)


def test_a_box_goes_before_the_polygon_beside_it(opened):
    outline = "<polygon><x1>1</x1><y1>2</y1><x2>3</x2><y2>4</y2></polygon>"
    dataset = opened(voc_xml(BOTH.replace("<name>", f"{outline}<name>")))
    assert off_colour(dataset) == [] and dataset.notes == []


@pytest.mark.parametrize(("word", "difficult"), [("1", True), ("true", True), ("Yes", True), ("0", False), ("", False)])
def test_words_for_difficult(read, word, difficult):
    annotation = read(voc_xml(RED_XML.replace("<name>", f"<difficult> {word} </difficult><name>")))
    assert annotation.difficult.tolist() == [difficult] and annotation.remarks == ()


def test_words_that_mean_nothing_for_difficult(read):
    assert read(voc_xml(RED_XML)).difficult.tolist() == [False]
    assert read(voc_xml(RED_XML.replace("<name>", "<difficult>Unspecified</difficult><name>"))).remarks == ()
    strange = read(voc_xml(RED_XML.replace("<name>", "<difficult>perhaps</difficult><name>")))
    assert strange.difficult.tolist() == [False] and strange.remarks == (UNSURE,)


# Sizes: the rule itself is tested in test_placing.py.


@pytest.mark.parametrize(
    ("size", "note"),
    [
        (("160.0", "120.0"), None),
        ((" 160 ", "120"), None),
        (("0", "0"), WRONG_SIZE),
        (("120", "160"), WRONG_SIZE),
        (("", ""), WRONG_SIZE),
        (("wide", "high"), WRONG_SIZE),
        (("nan", "120"), WRONG_SIZE),
        (("500", "500"), WRONG_SIZE),
    ],
)
def test_sizes_that_are_wrong(opened, size, note):
    dataset = opened(voc_xml(size=size))
    assert off_colour(dataset) == [] and count_boxes(dataset) == 4
    assert dataset.notes == ([f"{note}: 1 (first: img0)"] if note else [])


def test_no_size_at_all(opened):
    dataset = opened(f"<annotation>{BOTH}</annotation>")
    assert off_colour(dataset) == [] and dataset.notes == [f"{WRONG_SIZE}: 1 (first: img0)"]


@pytest.mark.parametrize("scale", [2, 5])
def test_pictures_that_were_scaled_after_labelling(opened, scale):
    boxes = [bndbox(np.multiply(box, scale)) for box in (RED_BOX, BLUE_BOX)]
    dataset = opened(voc_xml(boxed(boxes[0]) + boxed(boxes[1], name="blue"), (160 * scale, 120 * scale)))
    assert off_colour(dataset) == [] and dataset.notes == [f"{SCALED}: 1 (first: img0)"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("stated", ["shown", "half", "missing", "stored, drawn as shown", "stored, drawn as stored"])
def test_pictures_that_a_camera_stored_turned(tmp_path, orientation, suffix, stated):
    """Whatever size is stated and on which picture the boxes were drawn, they lie on their colours."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(as_stored(scene(2), orientation))
    width, height = 320, 240
    if stated == "stored, drawn as stored" and orientation > 4:
        height, width, _ = stored.shape
        by_colour = {}
        for name, colour in (("red", RED), ("blue", BLUE)):
            rows, columns = np.nonzero((stored == colour).all(axis=2))
            by_colour[name] = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    else:
        by_colour = {"red": np.multiply(RED_BOX, 2), "blue": np.multiply(BLUE_BOX, 2)}
    if stated == "half":
        by_colour, width, height = {"red": RED_BOX, "blue": BLUE_BOX}, 160, 120
    elif stated == "missing":
        width, height = 0, 0
    elif stated == "stored, drawn as shown":
        height, width, _ = stored.shape
    xml = voc_xml("".join(boxed(bndbox(box), name=name) for name, box in by_colour.items()), (width, height))
    root = put_tree(tmp_path / "data", {"img0": xml}, lists={"train": "img0"})
    (root / "JPEGImages" / "img0.png").unlink()
    put_image(root / "JPEGImages" / f"img0{suffix}", stored, exif=exif, quality=95)
    dataset = VocDataset(root, "train")
    assert count_boxes(dataset) == 2 and off_colour(dataset) == []


def test_fractions_are_no_pixels(tmp_path, one_line):
    fractions = voc_xml(boxed("<bndbox><xmin>.1</xmin><ymin>.2</ymin><xmax>.4</xmax><ymax>.5</ymax></bndbox>"))
    root = put_tree(tmp_path / "data", {"img0": fractions, "img1": fractions})
    with pytest.raises(MinissdError) as caught:
        VocDataset(root, "train")
    one_line(caught, "2 of 2 boxes", "fractions", "pixels")
    assert f"{FRACTIONS}: 1 (first: img0)" in VocDataset(put_tree(root, {"img0": fractions}), "train").notes


def test_boxes_that_count_from_zero_reach_over_by_a_pixel(opened):
    whole = "<bndbox><xmin>0</xmin><ymin>0</ymin><xmax>160</xmax><ymax>120</ymax></bndbox>"
    dataset = opened(voc_xml(boxed(whole)))
    np.testing.assert_array_equal(dataset.objects(0).corners, [[0, 0, 1, 1]])
    assert dataset.notes == [f"{OVER_THE_EDGE}: 1 (first: img0)"]


# Objects and classes.


def test_boxes_of_one_pixel_and_boxes_there_twice_count_once(opened):
    point = "<bndbox><xmin>7</xmin><ymin>7</ymin><xmax>7</xmax><ymax>9</ymax></bndbox>"
    dataset = opened(voc_xml(boxed(point) + BOTH + RED_XML + RED_XML))
    assert [len(dataset.objects(i).labels) for i in range(2)] == [2, 2] and off_colour(dataset) == []
    assert sorted(dataset.notes) == sorted([f"{NO_EXTENT}: 1 (first: img0)", f"{REPEATED}: 2 (first: img0)"])


def test_the_same_box_of_two_classes_is_two_objects(opened):
    dataset = opened(voc_xml(RED_XML + RED_XML.replace("red", "blue")))
    assert dataset.objects(0).labels.tolist() == [1, 0] and dataset.notes == []


@pytest.mark.parametrize(
    "name", ["background", "_background_", "__background__", "__ignore__", "Background", "BACKGROUND"]
)
def test_background_is_no_class(opened, name, one_line):
    dataset = opened(voc_xml(BOTH + boxed(bndbox((0, 0, 160, 120)), name=name)))
    assert dataset.classes == ("blue", "red") and off_colour(dataset) == []
    assert dataset.notes == [f"{NO_CLASS}: 1 (first: img0)"]
    with pytest.raises(MinissdError) as caught:
        opened(voc_xml(boxed(bndbox((0, 0, 160, 120)), name=name)), classes=[name])
    one_line(caught, "not known", "blue, red")


@pytest.mark.parametrize(
    ("one", "other"),
    [("car", "Car"), ("traffic light", "trafficlight"), ("café", unicodedata.normalize("NFD", "café")), ("a", "Ａ")],
)
def test_classes_that_are_called_alike(opened, one, other):
    dataset = opened(voc_xml("".join(boxed(bndbox(RED_BOX), name=name) for name in (one, other))))
    assert set(dataset.classes) == {one, other, "red", "blue"}
    both = " and ".join(repr(name) for name in sorted((one, other)))
    assert f"{ALIKE}: 1 (first: {both})" in dataset.notes


def test_a_class_that_only_another_split_shows(tmp_path):
    root = put_tree(tmp_path / "data", {"img0": voc_xml(RED_XML)}, lists={"train": "img0", "val": "img1"})
    assert VocDataset(root, "train").notes == [f"{UNSEEN}: 1 (first: blue)"]
    assert VocDataset(root, "val").notes == []


def test_a_split_without_one_usable_object(tmp_path, one_line):
    nobody = voc_xml("")
    root = put_tree(tmp_path / "data", {"img0": nobody}, lists={"train": "img0", "val": "img1", "both": "img0\nimg1"})
    with pytest.raises(MinissdError) as caught:
        open_dataset(root, "train")
    one_line(caught, "none of its 1 images shows an object", "nothing to learn")
    assert count_boxes(open_dataset(root, "both")) == 2


# What is wrong, in one line each.


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["is empty"]),
        (" \r\n", ["is empty"]),
        (b"\0" * 64, ["no well-formed XML"]),
        ("<annotation><path>C:\\R&D\\a.jpg</path></annotation>", ["no well-formed XML", "&amp;"]),
        (f"<annotation><objects>{BOTH}</objects></annotation>", ["no <object> right in its <annotation>"]),
        (voc_xml(BOTH.replace("object>", "Object>")), ["no <object> right in its <annotation>"]),
        ("<annotations><image/></annotations>", ["<annotations>", "<annotation>"]),
        (voc_xml(boxed(bndbox(RED_BOX), name=" ")), ["object 1 has no <name>"]),
        (voc_xml(RED_XML + f"<object>{bndbox(RED_BOX)}</object>"), ["object 2 has no <name>"]),
        (voc_xml(boxed("<bndbox/>")), ["object 1", "<bndbox>", "xmin"]),
        (voc_xml(boxed("")), ["object 1", "<bndbox>", "xmin"]),
        (voc_xml(RED_XML + boxed("<bndbox><xmin>12,5</xmin></bndbox>")), ["object 2", "12,5", "a point for a comma"]),
        (voc_xml(boxed(bndbox(RED_BOX) * 2)), ["object 1 has 2 boxes"]),
        (voc_xml(boxed("<robndbox><cx>1</cx></robndbox>")), ["object 1", "<robndbox>", "angle"]),
        (voc_xml(boxed("<polygon><x1>1</x1></polygon>")), ["object 1", "<polygon>", "y1"]),
    ],
)  # fmt: skip
def test_what_is_wrong(refused, text, says):
    refused(text, *says)


def test_what_is_wrong_is_named_together(tmp_path, one_line):
    images = [f"img{number}.png" for number in range(8)]
    root = put_tree(tmp_path / "data", {f"img{number}": "<annotation>" for number in range(1, 6)}, images)
    with pytest.raises(MinissdError) as caught:
        VocDataset(root, "train")
    one_line(caught, "5 of 8 annotations", *(f"img{number}.xml" for number in (1, 2, 3)), "; ...")
    assert "img4" not in str(caught.value)
