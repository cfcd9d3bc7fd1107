"""What `minissd evaluate` shows of a score: pictures and a table, for each task in its own way."""

import numpy as np
from rich.markup import escape

from minissd import detection
from minissd.cli.console import console, print_table, simple_table

SHEET_IMAGES = 6


class DetectionResults:
    """Precision and recall, AP of each class, and what was found on a few images."""

    @staticmethod
    def draw(dataset, metrics, detections, objects, out, *, iou_threshold=0.5, method="voc07"):
        """Write the pictures into the folder `out`; arguments as `minissd.training.evaluate` gives them."""
        from minissd.viz.curves import average_precision_chart, precision_recall_curves  # matplotlib is slow to import
        from minissd.viz.style import save_picture

        curves = detection.precision_recall_curves(detections, objects, dataset.classes, iou_threshold)
        save_picture(precision_recall_curves(curves, metrics["AP"], method), out / "precision_recall.png")
        save_picture(average_precision_chart(metrics["AP"], method), out / "average_precision.png")
        least = best_scores(curves)
        save_picture(sheet(dataset, detections, least), out / "detections.png")
        drawn = ", ".join(f"{name} {score:.2f}" for name, score in zip(dataset.classes, least, strict=True))
        console.print(
            f"drawn from the score on that balances precision and recall: {drawn}", markup=False, soft_wrap=True
        )

    @staticmethod
    def print(metrics, title):
        print_figures(title, "AP", metrics["AP"], {name: metrics[name] for name in ("mAP", "recall")})


class ClassificationResults:
    """Accuracy, the share recognised of each class, and which class is taken for which."""

    @staticmethod
    def draw(dataset, metrics, probabilities, labels, out):
        from minissd.viz.confusion import confusion_chart
        from minissd.viz.style import save_picture

        save_picture(confusion_chart(metrics["confusion"], dataset.classes, metrics["accuracy"]), out / "confusion.png")

    @staticmethod
    def print(metrics, title):
        print_figures(title, "recognised", metrics["recall"], {"accuracy": metrics["accuracy"]})


RESULTS = {"detect": DetectionResults, "classify": ClassificationResults}


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

    chosen = np.unique(np.linspace(0, len(dataset) - 1, SHEET_IMAGES).round().astype(int))
    rows = []
    for i in chosen:
        sample = dataset[i]
        clear = detections[i].scores >= least[detections[i].labels]
        found = detection.Detections(*(part[clear] for part in detections[i]))
        rows.append(detections_beside_truth(sample.image, found, sample.objects, dataset.classes, title=sample.id))
    return detection_sheet(rows)


def _figure(value):
    return "none there" if np.isnan(value) else f"{value:.4f}"
