"""XML as tools write it: boxes on their colours whatever the encoding, form or order of elements; or what is wrong."""

import numpy as np
import pytest
from scenes import RED_BOX
from voc_scenes import BLUE_XML, BOTH, RED_XML, bndbox, boxed, count_boxes, off_colour, put_tree, voc_xml

from minissd.data.placing import SWAPPED
from minissd.data.voc import VocDataset
from minissd.data.voc_annotation import AROUND, UNSURE, read_annotation
from minissd.errors import MinissdError


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
