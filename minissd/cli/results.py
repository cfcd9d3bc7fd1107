"""What `minissd evaluate` shows of a score: pictures and a table, for each task in its own way."""

import csv
import io

import numpy as np
from rich.markup import escape

from minissd import detection
from minissd.cli.console import console, print_table, simple_table
from minissd.data import mask_of_size
from minissd.files import spreadsheet_cell, write_atomically
from minissd.metrics.segmentation import score_masks
from minissd.metrics.thresholds import USUAL_THRESHOLD, at_threshold, best_thresholds
from minissd.weights.report import some

SHEET_IMAGES = 6
LISTED = 20  # classes on a line


class DetectionResults:
    """Precision and recall, AP of each class, and what was found on a few images."""

    @staticmethod
    def draw(dataset, metrics, detections, objects, out, *, iou_threshold=0.5, method="voc07"):
        """Write the pictures into the folder `out`; arguments as `minissd.training.evaluation` gives them, and the
        "thresholds" of `shown_at` in the metrics."""
        from minissd.viz.curves import average_precision_chart, precision_recall_curves  # matplotlib is slow to import
        from minissd.viz.style import save_picture
        from minissd.viz.thresholds import threshold_chart

        overlap = lowest(iou_threshold)
        curves = detection.precision_recall_curves(detections, objects, dataset.classes, overlap)
        of_curves = "area" if method == "coco" else method
        ap = detection.evaluate_detections(detections, objects, dataset.classes, overlap, of_curves)["AP"]
        save_picture(precision_recall_curves(curves, ap, of_curves, overlap), out / "precision_recall.png")
        save_picture(average_precision_chart(metrics["AP"], method), out / "average_precision.png")
        thresholds = {name: at["threshold"] for name, at in metrics["thresholds"].items()}
        save_picture(threshold_chart(curves, thresholds), out / "thresholds.png")
        save_picture(sheet(dataset, detections, np.array(list(thresholds.values()))), out / "detections.png")

    @staticmethod
    def print(metrics, title):
        ap = metrics["AP"]
        table = simple_table("class", "AP", "threshold", "precision", "recall", "F1")
        for name, at in metrics["thresholds"].items():
            shares = [_share(at[key]) for key in ("precision", "recall", "f1")]
            table.add_row(escape(name), _figure(ap[name]), f"{at['threshold']:.2f}", *shares)
        table.add_section()
        there = sum(not np.isnan(value) for value in ap.values())
        of = f", of {there} of {len(ap)} classes" if there < len(ap) else ""  # the others have no object to find
        if "coco" in metrics:
            overall = metrics["coco"]
        else:
            overall = {f"{name}{of}": metrics[name] for name in ("mAP", "recall")}
            overall |= {f"mAP at IoU {overlap}": one["mAP"] for overlap, one in metrics.get("at", {}).items()}
        for name, value in overall.items():
            table.add_row(name, _figure(value))
        print_table(title, table)
        how = f"precision, recall and F1 of what scores above the threshold: {metrics['thresholds_of']}"
        console.print(how, soft_wrap=True)


def shown_at(model, detections, objects, iou_threshold):
    """What comes of showing only what scores higher than the threshold of its class, at the lowest overlap asked for.

    {"thresholds": {class: {"objects": how many, and the fields of AtThreshold}}, "thresholds_of": whence, in words}
    """
    curves = detection.precision_recall_curves(detections, objects, model.classes, lowest(iou_threshold))
    thresholds, origin = thresholds_for(model, curves)
    shown = {
        name: {"objects": curves[name].objects} | at_threshold(curves[name], threshold)._asdict()
        for name, threshold in thresholds.items()
    }
    return {"thresholds": shown, "thresholds_of": origin}


def write_classes(metrics, path):
    """The figures of each class as a table for spreadsheets: a line for a class, empty where there is no figure."""
    text = io.StringIO(newline="")
    rows = [
        {"class": spreadsheet_cell(name), "AP": metrics["AP"][name]} | at for name, at in metrics["thresholds"].items()
    ]
    table = csv.DictWriter(text, rows[0], lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow(
            {key: "" if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}
        )
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def thresholds_for(model, curves):
    """({class: threshold}, whence in words): those of the model's validation, else the best for these curves."""
    if model.thresholds:
        return dict(zip(model.classes, model.least_scores.tolist(), strict=True)), "best F1 at the validation"
    best = best_thresholds(curves)
    return {name: best.get(name, USUAL_THRESHOLD) for name in model.classes}, "best F1 on these images"


def in_words(thresholds):
    """{class: threshold} on a line."""
    return some([f"{name} {score:.2f}" for name, score in thresholds.items()], shown=LISTED)


def lowest(iou_threshold):
    """One overlap of one or several."""
    return float(np.min(iou_threshold))


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


def sheet(dataset, detections, least):
    """Detections beside the ground truth for a few images spread over the data set.

    least: (C,) what scores higher is shown.
    """
    from minissd.viz.boxes import detection_sheet, detections_beside_truth

    rows = []
    for i in spread_out(dataset):
        sample = dataset[i]
        clear = detections[i].scores > least[detections[i].labels]
        found = detection.Detections(*(part[clear] for part in detections[i]))
        rows.append(detections_beside_truth(sample.image, found, sample.objects, dataset.classes, title=sample.id))
    return detection_sheet(rows)


def spread_out(dataset):
    """The places of a few images spread over the data set."""
    return np.unique(np.linspace(0, len(dataset) - 1, SHEET_IMAGES).round().astype(int)).tolist()


def _share(value):
    return "" if np.isnan(value) else f"{value:.2f}"


def _figure(value):
    return "none there" if np.isnan(value) else f"{value:.4f}"
