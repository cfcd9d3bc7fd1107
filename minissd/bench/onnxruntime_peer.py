"""onnxruntime, beside which inference is measured, on the graph that `minissd export --to onnx` writes."""

import onnxruntime

from minissd.bench.record import blas_threads
from minissd.export import onnx_model
from minissd.export.onnx_graph import BATCH

NAME = "onnxruntime"


class Inference:
    """A detector on images (N, S, S, 3) uint8; called for its time, `results()` for offsets and logits.

    At its best: all optimisations of the graph, the number of images known to it, as many threads as NumPy has.
    """

    def __init__(self, model, images):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = blas_threads()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_free_dimension_override_by_name(BATCH, len(images))
        graph = onnx_model(model, "outputs").SerializeToString()
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.images = {"images": images}

    def __call__(self):
        self.outputs = self.session.run(["offsets", "logits"], self.images)

    def results(self):
        return dict(zip(("offsets", "logits"), self.outputs, strict=True))
