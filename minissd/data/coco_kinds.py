"""What a JSON file is that is no COCO annotation, and what to do with it."""

_TO_COCO = "export or convert it as COCO"


def what_it_is(content):
    """What parsed JSON is, in words, with what to do; "" if that cannot be told."""
    if isinstance(content, list):
        entry = content[0] if content and isinstance(content[0], dict) else {}
        return next((what for keys, what in _LISTS if keys <= entry.keys()), "")
    found = next((what for keys, what in _OBJECTS if keys <= content.keys()), "")
    values = content.values() if not found else ()
    if any(isinstance(value, dict) and {"filename", "regions"} <= value.keys() for value in values):
        return _VIA
    return found


_VIA = f"a VIA file: {_TO_COCO} (VIA: Annotation, Export)"
_LISTS = (  # keys of the first entry -> what the list is
    ({"image_id", "category_id", "score"}, "a list of results, which a detector wrote: give the annotations"),
    ({"image_id", "category_id"}, "its list of annotations alone: give the whole file, with images and categories"),
    ({"image", "annotations"}, f"a CreateML file: {_TO_COCO}"),
    ({"Labeled Data"}, f"a Labelbox export: {_TO_COCO}"),
    ({"data_row"}, f"a Labelbox export: {_TO_COCO}"),
    ({"data", "annotations"}, "Label Studio's own JSON: export as COCO"),
    ({"data", "completions"}, "Label Studio's own JSON: export as COCO"),
    ({"name", "labels"}, f"a BDD100K or Scalabel file: {_TO_COCO}"),
)
_OBJECTS = (  # keys of the object -> what it is
    ({"_via_settings"}, _VIA),
    ({"_via_img_metadata"}, _VIA),
    ({"shapes", "imagePath"}, "a labelme file, of one image: convert the folder with labelme2coco"),
    ({"objects", "size"}, f"a Supervisely file, of one image: {_TO_COCO}"),
    ({"objects", "description"}, f"a Supervisely file, of one image: {_TO_COCO}"),
    ({"features", "type"}, f"GeoJSON: its coordinates are those of a map; {_TO_COCO}, in pixels"),
    ({"assets", "tags"}, f"a VoTT file: {_TO_COCO} or as Pascal VOC"),
    ({"asset", "regions"}, f"a VoTT file, of one image: {_TO_COCO} or as Pascal VOC"),
    ({"samples", "media_type"}, "a FiftyOne dataset: export it as COCODetectionDataset"),
    ({"samples"}, "a FiftyOne dataset: export it as COCODetectionDataset"),
    ({"images", "captions"}, "a file of captions: give that with the boxes, instances_*.json"),
)
