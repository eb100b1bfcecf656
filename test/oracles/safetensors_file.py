"""Writes test/fixtures/safetensors/reference.safetensors with the reference implementation (pip install safetensors numpy).

With a file as argument it instead prints what the reference reader finds in it, as JSON: used by hand to check files that scnas wrote.
"""
import json
import pathlib
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

if len(sys.argv) > 1:
    with safe_open(sys.argv[1], framework="np") as f:
        found = {name: {"shape": list(f.get_tensor(name).shape), "sum": float(f.get_tensor(name).astype("f8").sum())} for name in f.keys()}
        print(json.dumps({"metadata": f.metadata(), "tensors": found}, indent=1))
else:
    out = pathlib.Path(__file__).parent.parent / "fixtures" / "safetensors"
    out.mkdir(parents=True, exist_ok=True)
    tensors = {
        "weight": np.linspace(-1, 1, 24, dtype="f4").reshape(2, 3, 4),
        "labels": np.arange(-3, 3, dtype="i4").reshape(3, 2),
        "mask": np.array([0, 1, 255], dtype="u1"),
        "scalar": np.array(2.5, dtype="f4"),
        "empty": np.zeros((0, 4), dtype="f4"),
    }
    save_file(tensors, out / "reference.safetensors", metadata={"written by": "reference"})
