"""OpenVINO, beside which inference is measured, on the graph that `minissd export --to onnx` writes."""

import openvino

from minissd.bench.record import blas_threads
from minissd.export import onnx_model

NAME = "openvino"


class Inference:
    """A detector on images (N, S, S, 3) uint8; called for its time, `results()` for offsets and logits.

    At its best: made for the fastest answer, the number of images known to it, as many threads as NumPy has; and in
    float32, as all others, where it might take bfloat16.
    """

    def __init__(self, model, images):
        core = openvino.Core()
        graph = core.read_model(onnx_model(model, "outputs").SerializeToString())
        graph.reshape(images.shape)
        threads = {"INFERENCE_NUM_THREADS": blas_threads(), "NUM_STREAMS": 1}
        exact = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        self.request = core.compile_model(graph, "CPU", threads | exact).create_infer_request()
        self.images = {"images": images}

    def __call__(self):
        self.outputs = self.request.infer(self.images, share_inputs=True, share_outputs=True)

    def results(self):
        return {name: self.outputs[name].copy() for name in ("offsets", "logits")}
