"""Networks as ONNX graphs, which other programs run.  Needs the extra `onnx`: pip install 'minissd[onnx]'."""

from minissd.export.onnx_file import export_onnx, onnx_model
from minissd.export.onnx_networks import ENDS

__all__ = ["ENDS", "export_onnx", "onnx_model"]
