"""The class names of published weights, in the order of their outputs, without the background that comes first."""

VOC = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)

# COCO numbers its 80 categories from 1 to 90.  torchvision's networks have an output for each number; those that no
# category has were never trained, and get a name each, so that all names differ.
_COCO = """
    person/bicycle/car/motorcycle/airplane/bus/train/truck/boat/traffic light/fire hydrant/-/stop sign/
    parking meter/bench/bird/cat/dog/horse/sheep/cow/elephant/bear/zebra/giraffe/-/backpack/umbrella/-/-/
    handbag/tie/suitcase/frisbee/skis/snowboard/sports ball/kite/baseball bat/baseball glove/skateboard/
    surfboard/tennis racket/bottle/-/wine glass/cup/fork/knife/spoon/bowl/banana/apple/sandwich/orange/broccoli/
    carrot/hot dog/pizza/donut/cake/chair/couch/potted plant/bed/-/dining table/-/-/toilet/-/tv/laptop/mouse/
    remote/keyboard/cell phone/microwave/oven/toaster/sink/refrigerator/-/book/clock/vase/scissors/teddy bear/
    hair drier/toothbrush
"""
COCO_90 = tuple(
    f"N/A {number}" if name.strip() == "-" else name.strip() for number, name in enumerate(_COCO.split("/"), start=1)
)
