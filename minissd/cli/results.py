"""What `minissd evaluate` shows of a score: pictures and a table, for each task in its own way."""

import numpy as np
from rich.markup import escape

from minissd import detection
from minissd.cli.console import console, print_table, simple_table
from minissd.data import mask_of_size
from minissd.metrics.segmentation import score_masks

SHEET_IMAGES = 6


class DetectionResults:
    """Precision and recall, AP of each class, and what was found on a few images."""

    @staticmethod
    def draw(dataset, metrics, detections, objects, out, *, iou_threshold=0.5, method="voc07"):
        """Write the pictures into the folder `out`; arguments as `minissd.training.evaluation` gives them."""
        from minissd.viz.curves import (  # here, for matplotlib is slow to import
            CURVES,
            average_precision_chart,
            most_objects,
            precision_recall_curves,
        )
        from minissd.viz.style import save_picture

        curves = detection.precision_recall_curves(detections, objects, dataset.classes, iou_threshold)
        save_picture(precision_recall_curves(curves, metrics["AP"], method), out / "precision_recall.png")
        save_picture(average_precision_chart(metrics["AP"], method), out / "average_precision.png")
        least = best_scores(curves)
        save_picture(sheet(dataset, detections, least), out / "detections.png")
        scores = dict(zip(dataset.classes, least, strict=True))
        drawn = ", ".join(f"{name} {scores[name]:.2f}" for name in most_objects(curves))
        drawn += f", and so for the other {len(scores) - CURVES} classes" if len(scores) > CURVES else ""
        console.print(
            f"drawn from the score on that balances precision and recall: {drawn}", markup=False, soft_wrap=True
        )

    @staticmethod
    def print(metrics, title):
        ap = metrics["AP"]
        there = sum(not np.isnan(value) for value in ap.values())
        of = f", of {there} of {len(ap)} classes" if there < len(ap) else ""  # the others have no object to find
        print_figures(title, "AP", ap, {f"{name}{of}": metrics[name] for name in ("mAP", "recall")})


class ClassificationResults:
    """Accuracy, the share recognised of each class, and which class is taken for which."""

    @staticmethod
    def draw(dataset, metrics, probabilities, labels, out):
        from minissd.viz.confusion import confusion_chart
        from minissd.viz.gallery import mistakes_gallery, surest_mistakes
        from minissd.viz.style import save_picture

        save_picture(confusion_chart(metrics["confusion"], dataset.classes, metrics["accuracy"]), out / "confusion.png")
        probabilities = np.array(probabilities)
        chosen = surest_mistakes(probabilities, labels)
        wrong = int((probabilities.argmax(axis=1) != labels).sum())
        title = f"{wrong} of {len(labels)} are misclassified" + (", the most confident first" if wrong else "")
        pictures = [dataset[i].image for i in chosen]
        save_picture(
            mistakes_gallery(pictures, probabilities[chosen], labels[chosen], dataset.classes, title),
            out / "mistakes.png",
        )

    @staticmethod
    def print(metrics, title):
        print_figures(title, "recognised", metrics["recall"], {"accuracy": metrics["accuracy"]})


class SegmentationResults:
    """IoU of each class, and a few images with their masks, the true ones and those found."""

    @staticmethod
    def draw(dataset, metrics, probabilities, masks, out):
        from minissd.viz.boxes import detection_sheet
        from minissd.viz.masks import masks_beside_truth
        from minissd.viz.style import save_picture

        rows = []
        for i in spread_out(dataset):
            sample = dataset[i]
            found = mask_of_size(probabilities[i], *masks[i].shape)
            note = f"IoU {score_masks([found], [masks[i]], dataset.classes)['mean_iou']:.2f}"
            rows.append(masks_beside_truth(sample.image, found, masks[i], dataset.classes, sample.id, note))
        save_picture(detection_sheet(rows), out / "masks.png")

    @staticmethod
    def print(metrics, title):
        overall = ("mean_iou", "background_iou", "pixel_accuracy")
        print_figures(title, "IoU", metrics["iou"], {name: metrics[name] for name in overall})


class RegressionResults:
    """How far off the numbers are, and each beside the true one."""

    @staticmethod
    def draw(dataset, metrics, numbers, values, out):
        from minissd.viz.regression import prediction_chart
        from minissd.viz.style import save_picture

        error, baseline = metrics["mean_absolute_error"], metrics["error_of_the_mean"]
        title = f"Mean error {error:.2f}; of who always says the mean, {baseline:.2f}"
        save_picture(prediction_chart(np.array(numbers), values, title, dataset.quantity), out / "predictions.png")

    @staticmethod
    def print(metrics, title):
        table = simple_table("", "value")
        for name, value in metrics.items():
            table.add_row(name.replace("_", " "), _figure(value))
        print_table(title, table)


RESULTS = {
    "detect": DetectionResults,
    "classify": ClassificationResults,
    "segment": SegmentationResults,
    "regress": RegressionResults,
}


def print_figures(title, column, of_classes, overall):
    """A table of one figure for each class, and below it those of the whole."""
    table = simple_table("class", column)
    for name, value in of_classes.items():
        table.add_row(escape(name), _figure(value))
    table.add_section()
    for name, value in overall.items():
        table.add_row(name, _figure(value))
    print_table(title, table)


def best_scores(curves):
    """(C,) for each class the score from which on its detections reach the highest F1 = 2 P R / (P + R)."""
    least = []
    for curve in curves.values():
        f1 = 2 * curve.precision * curve.recall / np.maximum(curve.precision + curve.recall, 1e-9)
        least.append(curve.scores[f1.argmax()] if len(f1) else 1.0)
    return np.array(least)


def sheet(dataset, detections, least):
    """Detections beside the ground truth for a few images spread over the data set; least: the lowest scores (C,)."""
    from minissd.viz.boxes import detection_sheet, detections_beside_truth

    rows = []
    for i in spread_out(dataset):
        sample = dataset[i]
        clear = detections[i].scores >= least[detections[i].labels]
        found = detection.Detections(*(part[clear] for part in detections[i]))
        rows.append(detections_beside_truth(sample.image, found, sample.objects, dataset.classes, title=sample.id))
    return detection_sheet(rows)


def spread_out(dataset):
    """The places of a few images spread over the data set."""
    return np.unique(np.linspace(0, len(dataset) - 1, SHEET_IMAGES).round().astype(int)).tolist()


def _figure(value):
    return "none there" if np.isnan(value) else f"{value:.4f}"
